//! Somebody between the real client and the real host, with certificates of his own on both sides (abuse cases 5
//! and 22).

use std::{
    collections::{HashMap, hash_map::Entry},
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use punktfunk_proto::{
    pairing::{HostCeremony, Pin},
    wire::{ControlMessage, PairProof},
};
use quinn::Endpoint;
use tokio::{
    net::UdpSocket,
    task::{AbortHandle, JoinHandle},
};

use crate::rogue::{Client, Finding, Line, PATIENCE, Persona, Rogue, Victim, line::entropy, source, tls::listen};

/// In between while a device pairs: he passes messages on, plays the host, or just says yes (abuse case 5).
///
/// # Errors
/// The attack could not be carried out.
pub async fn while_pairing(victim: &mut Victim) -> Result<Finding> {
    let mut finding = Finding::new("middle-while-pairing", &[5]);
    for (n, ploy) in [Ploy::PassOn, Ploy::PlayTheHost, Ploy::SayYes].into_iter().enumerate() {
        let pin = victim.arm()?;
        let mallory = Middle::between(victim, n as u16)?;
        let (at, client) = (mallory.at.to_string(), Client::new()?);
        let attack = tokio::spawn(mallory.take_one(ploy, pin.clone()));
        let outcome = client.pair(&at, pin.digits()).await?;
        let went = attack.await?.with_context(|| format!("{ploy:?}"))?;
        let seen = format!("{ploy:?}: exit {}: {}", outcome.exit, outcome.message());
        // By a confirmation that is not its own (4); a bare "yes" it does not hear, and is cut off (5).
        let alarmed = outcome.exit == if matches!(ploy, Ploy::SayYes) { 5 } else { 4 };
        finding.check("the client does not believe him", alarmed, seen);
        finding.check("the host believes neither", !went.paired, format!("{ploy:?}: {}", went.seen));
        let stored = (client.trusted().await?.len(), victim.devices()?);
        finding.check("nothing is stored on either side", stored == (0, 0), format!("{ploy:?}: {stored:?}"));
    }
    Ok(finding)
}

/// What he tries.
#[derive(Clone, Copy, Debug)]
enum Ploy {
    /// Both sides talk to each other, each over a connection of its own; at the end he proves with what he heard.
    PassOn,
    /// He runs the host's side himself, with a guess.
    PlayTheHost,
    /// He says that it is done.
    SayYes,
}

/// What came of it on the host's side.
struct Went {
    paired: bool,
    seen: String,
}

struct Middle {
    endpoint: Endpoint,
    at: SocketAddr,
    shown_to_client: Persona,
    shown_to_host: Persona,
    host: SocketAddr,
    from: Rogue,
}

impl Middle {
    fn between(victim: &Victim, n: u16) -> Result<Self> {
        let shown_to_client = Persona::fresh("punktfunk")?;
        let endpoint = listen((Ipv4Addr::LOCALHOST, 0).into(), &shown_to_client)?;
        Ok(Self {
            at: endpoint.local_addr()?,
            endpoint,
            shown_to_client,
            shown_to_host: Persona::fresh("Honest")?,
            host: victim.address,
            from: Rogue::at(source(n))?,
        })
    }

    async fn take_one(self, ploy: Ploy, pin: Pin) -> Result<Went> {
        let calling = self.endpoint.accept().await.context("nobody calls")?;
        let client = Line::taken(calling.await?).await?;
        match ploy {
            Ploy::PassOn => self.pass_on(client).await,
            Ploy::PlayTheHost => self.play_the_host(client, &pin).await,
            Ploy::SayYes => say_yes(client).await,
        }
    }

    async fn pass_on(&self, mut client: Line) -> Result<Went> {
        let mut host = self.from.call(self.host, &self.shown_to_host).await?;
        host.say(&client.hear().await.context("the client says nothing")?).await?;
        let challenge = host.hear().await.context("the host says nothing")?;
        client.say(&challenge).await?;
        let proof = client.hear().await;
        let ControlMessage::PairChallenge(heard) = ControlMessage::decode(&challenge)? else {
            bail!("the host does not answer with a challenge");
        };
        let own = ControlMessage::PairProof(PairProof { confirmation: heard.confirmation }).encode();
        host.say(&proof.clone().unwrap_or(own)).await?;
        let result = host.hear().await;
        let paired = result == Some(ControlMessage::PairResult { paired: true }.encode());
        client.close(0);
        Ok(Went { paired, seen: format!("the client's proof: {proof:?}, the host's verdict: paired {paired}") })
    }

    async fn play_the_host(&self, mut client: Line, pin: &Pin) -> Result<Went> {
        let guess: u32 = pin.digits().parse()?;
        let guess: Pin = format!("{:04}", (guess + 1) % 10_000).parse()?;
        let ControlMessage::PairRequest(request) = client.hear_message().await? else { bail!("no request") };
        let device = client.peer().context("the client shows no certificate")?;
        let mut ceremony = HostCeremony::new(self.shown_to_client.fingerprint(), device);
        let challenge = ceremony.handle_request(&request, &guess.into(), entropy())?;
        client.say(&ControlMessage::PairChallenge(challenge).encode()).await?;
        let proof = client.hear().await;
        Ok(Went { paired: proof.is_some(), seen: format!("the client's proof: {proof:?}") })
    }
}

async fn say_yes(mut client: Line) -> Result<Went> {
    client.hear().await.context("the client says nothing")?;
    client.say(&ControlMessage::PairResult { paired: true }.encode()).await?;
    let more = tokio::time::timeout(Duration::from_millis(200), client.hear()).await;
    client.close(1);
    Ok(Went { paired: false, seen: format!("the client goes on with {more:?}") })
}

/// In between on a later day: first an honest network between a client and its host, then himself at the same
/// address, with a certificate of his own and with the host's but not its key (abuse case 22).
///
/// # Errors
/// The attack could not be carried out.
pub async fn while_connecting(victim: &mut Victim) -> Result<Finding> {
    let mut finding = Finding::new("middle-while-connecting", &[5, 21, 22]);
    let client = Client::new()?;
    let network = Network::towards(victim.address).await?;
    let at = network.at;
    let paired = client.pair(&at.to_string(), victim.arm()?.digits()).await?;
    let streamed = client.connect(&at.to_string(), &[]).await?;
    let seen = format!("pair {} {}, connect {}", paired.exit, paired.message(), streamed.exit);
    finding.check("the device pairs and streams over an honest network", (paired.exit, streamed.exit) == (0, 0), seen);
    network.cut().await;

    let own = Persona::fresh("punktfunk")?;
    let impostor = Impostor::at(at, &own).await?;
    let given = own.fingerprint().to_string();
    for extra in [&[][..], &["--trust-on-first-use"], &["--fingerprint", &given]] {
        let outcome = client.connect(&at.to_string(), extra).await?;
        let refused = outcome.exit == 4 && outcome.message().contains("IDENTITY CHANGED");
        finding.check(
            "another certificate is refused and called by its name",
            refused,
            format!("{extra:?}: exit {}", outcome.exit),
        );
        let to_the_pin = outcome.message().contains("punktfunk pair");
        finding.check("the only way on is the PIN", to_the_pin, format!("{extra:?}"));
    }
    finding.check("the client says nothing to it", impostor.ends().await == 0, "no stream was opened");

    let line = Rogue::at(source(0))?.call(victim.address, &own).await?;
    let stolen = own.in_the_mask_of(line.certificate().context("the host shows no certificate")?);
    let impostor = Impostor::at(at, &stolen).await?;
    let outcome = client.connect(&at.to_string(), &["--timeout", "3"]).await?;
    finding.check(
        "the host's certificate without its key is refused",
        matches!(outcome.exit, 3 | 4),
        format!("exit {}: {}", outcome.exit, outcome.message()),
    );
    finding.check("the client says nothing to it either", impostor.ends().await == 0, "no stream was opened");
    let trusted = client.trusted().await?;
    let kept = trusted.len() == 1 && trusted[0]["fingerprint"] == victim.fingerprint.to_string();
    finding.check("the client trusts whom it trusted before", kept, "");
    Ok(finding)
}

/// Datagrams go to the host and back, untouched.
struct Network {
    at: SocketAddr,
    task: JoinHandle<()>,
}

impl Network {
    async fn towards(host: SocketAddr) -> Result<Self> {
        let socket = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?);
        let at = socket.local_addr()?;
        Ok(Self { at, task: tokio::spawn(carry(socket, host)) })
    }

    /// Ends it; the address is free then.
    async fn cut(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

/// Ends its tasks with itself.
#[derive(Default)]
struct Ways(HashMap<SocketAddr, (Arc<UdpSocket>, AbortHandle)>);

impl Drop for Ways {
    fn drop(&mut self) {
        self.0.values().for_each(|(_, back)| back.abort());
    }
}

async fn carry(socket: Arc<UdpSocket>, host: SocketAddr) {
    let (mut ways, mut buffer) = (Ways::default(), [0; 65_536]);
    while let Ok((bytes, from)) = socket.recv_from(&mut buffer).await {
        let way = match ways.0.entry(from) {
            Entry::Occupied(way) => way.into_mut(),
            Entry::Vacant(place) => {
                let Ok(way) = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await else { continue };
                let way = Arc::new(way);
                let back = tokio::spawn(carry_back(Arc::clone(&way), Arc::clone(&socket), from)).abort_handle();
                place.insert((way, back))
            }
        };
        let _ = way.0.send_to(&buffer[..bytes], host).await;
    }
}

async fn carry_back(way: Arc<UdpSocket>, socket: Arc<UdpSocket>, to: SocketAddr) {
    let mut buffer = [0; 65_536];
    while let Ok((bytes, _)) = way.recv_from(&mut buffer).await {
        let _ = socket.send_to(&buffer[..bytes], to).await;
    }
}

/// Takes every call and counts those that say something.
struct Impostor {
    endpoint: Endpoint,
    talked: JoinHandle<usize>,
}

impl Impostor {
    /// Takes the place of whoever was there: their socket may be closed a moment later.
    async fn at(at: SocketAddr, persona: &Persona) -> Result<Self> {
        let deadline = Instant::now() + PATIENCE;
        let endpoint = loop {
            match listen(at, persona) {
                Err(_) if Instant::now() < deadline => tokio::time::sleep(Duration::from_millis(10)).await,
                outcome => break outcome?,
            }
        };
        let calls = endpoint.clone();
        let talked = tokio::spawn(async move {
            let mut talked = 0;
            while let Some(calling) = calls.accept().await {
                let Ok(connection) = calling.await else { continue };
                talked += usize::from(connection.accept_bi().await.is_ok());
            }
            talked
        });
        Ok(Self { endpoint, talked })
    }

    /// Goes away; how many talked to it. Its address is free then.
    async fn ends(self) -> usize {
        self.endpoint.close(0_u32.into(), b"");
        let talked = self.talked.await.unwrap_or(usize::MAX);
        self.endpoint.wait_idle().await;
        talked
    }
}
