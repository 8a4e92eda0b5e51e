//! Thousands at once (abuse cases 2, 10 and 11).

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use tokio::{
    sync::Semaphore,
    task::{JoinError, JoinHandle, JoinSet},
};

use super::{OWNER, ceremony::says, owner_pairs, refusal};
use crate::rogue::{End, Finding, Line, Persona, Rogue, Victim, source};

/// How much an attacker does.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// Attempts in all.
    pub attempts: usize,
    /// From so many addresses.
    pub sources: u16,
    /// So many under way at once.
    pub at_once: usize,
}

/// Attempts to pair, all at once from all addresses, while a PIN is armed for anyone, and the owner's device pairs in
/// the midst of it (abuse case 2).
///
/// The attempts are malformed, so that each that the host computes for is told from each that it refuses: one closes
/// 0x68, the other 0x62.
///
/// # Errors
/// The attack could not be carried out.
pub async fn pair_attempts(victim: &mut Victim, scale: Scale) -> Result<Finding> {
    let mut finding = Finding::new("pair-attempts", &[2]);
    // What the host needs once for anybody is no growth.
    let others = Scale { attempts: WARM_UP, ..scale };
    Crowd::gather(victim, OTHERS, others, refusal::malformed())?.disperse().await?;
    let memory = victim.watch_memory();
    let owner = Persona::fresh("Owner's own")?;
    let pin = victim.arm()?;
    let began = Instant::now();
    let crowd = Crowd::gather(victim, 0, scale, refusal::malformed())?;
    crowd.is_half_way().await;
    let paired = owner_pairs(victim, &owner, &pin).await?;
    let was_under_way = !crowd.is_over();
    let ends = crowd.disperse().await?;
    let time = began.elapsed();

    let count = |wanted: u32| ends.get(&Ok(wanted)).copied().unwrap_or_default();
    let allowed = u64::from(scale.sources) * (1 + time.as_secs() / COOLDOWN.as_secs());
    let computed = count(0x68);
    let seen =
        format!("{computed} of {} in {:.1} s, allowed {allowed}: {}", scale.attempts, time.as_secs_f64(), table(&ends));
    finding.check("at most one key exchange a source and cooldown", (1..=allowed).contains(&computed), seen);
    let refused = refusals(&ends);
    let answered = computed + refused == scale.attempts as u64;
    finding.check("every other one is refused", answered, format!("{refused} refused"));
    finding.check("the owner's device pairs in the midst of it", paired.is_ok(), says(&paired));
    finding.check("it was in the midst of it", was_under_way, "");
    finding.check("nobody else is paired", victim.devices()? == 1, "one device");
    finding.check("the host lives", victim.is_alive(), "");
    finding.check_memory(memory.end(), FLAT);
    Ok(finding)
}

/// Guesses from all addresses while the PIN is bound to the owner's device: not one is answered (abuse cases 2, 3).
///
/// # Errors
/// The attack could not be carried out.
pub async fn guesses(victim: &mut Victim, scale: Scale) -> Result<Finding> {
    let mut finding = Finding::new("guesses", &[2, 3]);
    let owner = Persona::fresh("Owner's own")?;
    let pin = victim.arm_for(owner.fingerprint())?;
    let crowd = Crowd::gather(victim, 0, scale, refusal::whole())?;
    crowd.is_half_way().await;
    let paired = owner_pairs(victim, &owner, &pin).await?;
    let ends = crowd.disperse().await?;
    let answered = scale.attempts as u64 - refusals(&ends);
    finding.check("not one guess is answered", answered == 0, table(&ends));
    finding.check("the owner's device pairs in the midst of it", paired.is_ok(), says(&paired));
    finding.check("nobody else is paired", victim.devices()? == 1, "one device");
    Ok(finding)
}

/// Connections that say nothing, `each` from so many addresses, more than the host has room for; the owner's device
/// pairs and a guest is listed all the same (abuse case 2).
///
/// # Errors
/// The attack could not be carried out.
pub async fn silent_connections(victim: &mut Victim, sources: u16, each: usize) -> Result<Finding> {
    let mut finding = Finding::new("silent-connections", &[2]);
    let mallory = Persona::fresh("Mallory")?;
    let mut held = Vec::new();
    for n in 0..sources {
        let rogue = Rogue::at(source(n))?;
        for _ in 0..each {
            held.push(rogue.connect(victim.address, &mallory).await?);
        }
    }
    let open = held.iter().filter(|connection| connection.close_reason().is_none()).count();
    let pin = victim.arm()?;
    let paired = owner_pairs(victim, &Persona::fresh("Owner's own")?, &pin).await;
    let seen = paired.as_ref().map_or_else(ToString::to_string, says);
    let kept = paired.is_ok_and(|paired| paired.is_ok());
    finding.check("the owner's device pairs beside them", kept, format!("{seen}; {open} of {} are held", held.len()));
    if let Ok(mut knock) = Rogue::at(source(OWNER))?.call(victim.address, &Persona::fresh("Guest")?).await {
        // A host that has closed already lists nobody.
        let _ = knock.hello("Guest").await;
        let end = knock.end_within(HELD).await;
        let listed = victim.knocks()?.len() == 1;
        finding.check("and a guest is held and listed", listed && end == End::Open, end);
    }
    finding.check("the host lives", victim.is_alive(), "");
    Ok(finding)
}

/// Knocks with fresh certificates, all from `scale.sources` addresses; one that waits from before goes on waiting and
/// gets in when it is approved (abuse cases 10, 11).
///
/// # Errors
/// The attack could not be carried out.
pub async fn knocks(victim: &mut Victim, scale: Scale) -> Result<Finding> {
    let mut finding = Finding::new("knocks", if scale.sources == 1 { &[10] } else { &[11] });
    let most = LISTED.min(PER_SOURCE * usize::from(scale.sources));
    let patient = Persona::fresh("Patient")?;
    let mut waiting = Rogue::at(source(0))?.call(victim.address, &patient).await?;
    waiting.hello("Patient").await?;
    victim.wait_for_knocks(|knocks| knocks.len() == 1).await?;
    // Once through, so that what the host needs once for anybody is no growth.
    Knocks::begin(victim, Scale { attempts: WARM_UP, ..scale })?.end().await?;
    let memory = victim.watch_memory();
    let flood = Knocks::begin(victim, scale)?;
    let mut longest = 0;
    while !flood.task.is_finished() {
        longest = longest.max(victim.knocks()?.len());
        tokio::time::sleep(LOOK).await;
    }
    let (mut ends, mut held) = flood.end().await?;
    let knocks = victim.knocks()?;
    let memory = memory.end();
    let longest = longest.max(knocks.len());
    finding.check("the list never has more places than promised", longest <= most, format!("{longest} of {most}"));
    // A close may be lost in the flood; whoever goes on talking learns that the host knows him no more.
    for line in &mut held {
        // The beginning of a long message, in a packet large enough to be answered by a reset.
        let _ = line.say_raw(&[0xFF; 1_000]).await;
    }
    let deadline = Instant::now() + HELD;
    let mut still_held = 1; // The patient one.
    for line in &held {
        match line.end_within(deadline.saturating_duration_since(Instant::now())).await {
            End::Open => still_held += 1,
            late => *ends.entry(ending(&late)).or_default() += 1,
        }
    }
    let listed = knocks.iter().filter(|knock| knock["waiting"] == true).count();
    finding.check("who is held is listed", listed == still_held, format!("{listed} listed, {still_held} held"));
    let told = refusals(&ends) == (scale.attempts + 1 - still_held) as u64;
    finding.check("who is not is told so", told, table(&ends));
    let dropped = victim.ctl(&["pending"])?["dropped"].as_u64().unwrap_or_default();
    finding.check("the owner is told that knocks were dropped", dropped > 0, format!("{dropped} dropped"));
    finding.check_memory(memory, FLAT);
    drop(held);
    let ours = knocks.iter().find(|knock| knock["fingerprint"] == patient.fingerprint().to_string());
    finding.check("who waits is never evicted", ours.is_some_and(|knock| knock["waiting"] == true), "");
    victim.ctl(&["approve", &patient.fingerprint().to_string()])?;
    let welcomed = waiting.hear().await.is_some_and(|payload| payload.starts_with(b"PKF1"));
    finding.check("and gets in when it is approved", welcomed, "Welcome");
    finding.check("nobody else is paired", victim.devices()? == 1, "one device");
    finding.check("the host lives", victim.is_alive(), "");
    Ok(finding)
}

/// How attempts ended, by code or else in words.
type Ends = BTreeMap<Result<u32, String>, u64>;

fn ending(end: &End) -> Result<u32, String> {
    end.code().ok_or_else(|| end.to_string())
}

/// How many were refused: by a code of the PIN window, as one too many, so early that QUIC hides the code, or by a
/// close that was lost in the flood, after which the host knows the connection no more.
fn refusals(ends: &Ends) -> u64 {
    let is_refusal = |ending: &Result<u32, String>| match ending {
        Ok(code) => matches!(code, 0x42 | 0x60..=0x62),
        Err(how) => how.contains("closed during the handshake") || how == "reset by peer" || how == "timed out",
    };
    ends.iter().filter(|(ending, _)| is_refusal(ending)).map(|(_, count)| count).sum()
}

fn table(ends: &Ends) -> String {
    let part = |(ending, count): (&Result<u32, String>, &u64)| match ending {
        Ok(code) => format!("0x{code:02x} {count}"),
        Err(how) => format!("{how} {count}"),
    };
    ends.iter().map(part).collect::<Vec<_>>().join(", ")
}

/// Many who ask to pair at once.
struct Crowd {
    half: Arc<Semaphore>,
    task: JoinHandle<Result<Ends>>,
}

impl Crowd {
    fn gather(victim: &Victim, from: u16, scale: Scale, payload: Vec<u8>) -> Result<Self> {
        let rogues = (from..from + scale.sources).map(|n| Ok((Rogue::at(source(n))?, Persona::fresh("Mallory")?)));
        let rogues = rogues.collect::<Result<Vec<_>>>()?;
        let (host, half) = (victim.address, Arc::new(Semaphore::new(0)));
        let reached = Arc::clone(&half);
        let task = tokio::spawn(async move {
            let (mut ends, mut under_way) = (Ends::new(), JoinSet::new());
            for n in 0..scale.attempts {
                if under_way.len() >= scale.at_once {
                    count(&mut ends, under_way.join_next().await);
                }
                if n == scale.attempts / 2 {
                    reached.add_permits(1);
                }
                let (rogue, persona) = rogues[n % rogues.len()].clone();
                let payload = payload.clone();
                under_way.spawn(async move { rogue.ask(host, &persona, &payload).await.map(|answer| answer.end) });
            }
            while !under_way.is_empty() {
                count(&mut ends, under_way.join_next().await);
            }
            Ok(ends)
        });
        Ok(Self { half, task })
    }

    async fn is_half_way(&self) {
        let _ = self.half.acquire().await;
    }

    fn is_over(&self) -> bool {
        self.task.is_finished()
    }

    async fn disperse(self) -> Result<Ends> {
        self.task.await.context("the crowd")?
    }
}

fn count(ends: &mut Ends, joined: Option<Result<Result<End>, JoinError>>) {
    let ending = match joined {
        Some(Ok(Ok(end))) => ending(&end),
        Some(Ok(Err(error))) => Err(error.to_string()),
        Some(Err(error)) => Err(error.to_string()),
        None => return,
    };
    *ends.entry(ending).or_default() += 1;
}

/// Many who knock at once and wait.
struct Knocks {
    task: JoinHandle<Result<(Ends, Vec<Line>)>>,
}

impl Knocks {
    fn begin(victim: &Victim, scale: Scale) -> Result<Self> {
        let rogues = (0..scale.sources).map(|n| Rogue::at(source(n))).collect::<Result<Vec<_>>>()?;
        let host = victim.address;
        let task = tokio::spawn(async move {
            let (mut ends, mut held, mut under_way) = (Ends::new(), Vec::new(), JoinSet::new());
            let mut take = |ends: &mut Ends, joined: Option<Result<Knocked, JoinError>>| match joined {
                Some(Ok(Knocked::Held(line))) => held.push(line),
                Some(Ok(Knocked::Refused(end))) => *ends.entry(ending(&end)).or_default() += 1,
                Some(Err(error)) => *ends.entry(Err(error.to_string())).or_default() += 1,
                None => {}
            };
            for n in 0..scale.attempts {
                if under_way.len() >= scale.at_once {
                    take(&mut ends, under_way.join_next().await);
                }
                let rogue = rogues[n % rogues.len()].clone();
                under_way.spawn(async move { knock(&rogue, host).await });
            }
            while !under_way.is_empty() {
                take(&mut ends, under_way.join_next().await);
            }
            Ok((ends, held))
        });
        Ok(Self { task })
    }

    /// How they were refused, and those that were not.
    async fn end(self) -> Result<(Ends, Vec<Line>)> {
        self.task.await.context("the knocks")?
    }
}

/// What came of one knock.
enum Knocked {
    Held(Line),
    Refused(End),
}

async fn knock(rogue: &Rogue, host: SocketAddr) -> Knocked {
    let call = async {
        let mut line = rogue.call(host, &Persona::fresh("Flood")?).await?;
        // A host that has closed already says so at the end.
        let _ = line.hello("Flood").await;
        anyhow::Ok(line)
    };
    match call.await {
        Ok(line) => match line.end_within(HELD).await {
            End::Open => Knocked::Held(line),
            end => Knocked::Refused(end),
        },
        Err(error) => Knocked::Refused(error.downcast_ref().map_or(End::Broken(error.to_string()), End::of)),
    }
}

/// Between attempts of one source (spec section 3.3).
const COOLDOWN: Duration = Duration::from_secs(2);
/// Devices listed at most, overall and from one source (spec section 3.4).
const LISTED: usize = 32;
const PER_SOURCE: usize = 4;
/// Whoever is not refused within this time is held.
const HELD: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(100);
/// The first address of those that warm the host up.
const OTHERS: u16 = 0x8000;
/// Attempts before memory is watched.
const WARM_UP: usize = 500;
/// What the host may use more at the peak of a flood than before it, in KiB: connections that have not drained yet.
const FLAT: u64 = 16 * 1_024;
