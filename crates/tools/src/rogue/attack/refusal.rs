//! What a refusal gives away: its code, and nothing else (abuse case 4).

use std::{collections::BTreeMap, fmt, time::Duration};

use anyhow::Result;
use punktfunk_proto::wire::{ControlMessage, PairRequest};

use crate::rogue::{Answer, End, Finding, Persona, Rogue, Victim, source};

/// Asks to pair in every state of the PIN window and compares the answers, byte for byte and by how long they took.
///
/// # Errors
/// The attack could not be carried out.
pub async fn refusals(victim: &mut Victim) -> Result<Finding> {
    let mut finding = Finding::new("refusals", &[4]);
    let mut prober = Prober::new()?;
    let invited = [Persona::fresh("Invited")?, Persona::fresh("Other guest")?];

    prober.probe(victim, "disarmed", 0x60).await?;
    victim.arm()?;
    prober.probe_hasty(victim, "armed for anyone").await?;
    prober.spend(victim).await?;
    prober.probe(victim, "PIN used up", 0x60).await?;
    for (invited, state) in invited.iter().zip(["bound to one", "bound to another"]) {
        victim.arm_for(invited.fingerprint())?;
        prober.probe(victim, state, 0x61).await?;
    }
    victim.ctl(&["pair", "disarm"])?;
    prober.probe(victim, "PIN taken back", 0x60).await?;

    for (code, answers) in &prober.answers {
        let (state, first) = &answers[0];
        let differing = answers.iter().find(|(_, answer)| answer != first);
        let seen = differing.map_or_else(
            || format!("0x{code:02x} {} times", answers.len()),
            |other| format!("{state}: {first:?} {other:?}"),
        );
        finding.check("equal codes are equal answers, byte for byte", differing.is_none(), seen);
    }
    let wrong = prober.unexpected.join("; ");
    finding.check("the code says not armed, other device, too fast or no certificate", wrong.is_empty(), wrong);
    time_the_hasty(victim, &mut finding).await?;
    finding.check("nothing is recorded", victim.devices()? + victim.knocks()?.len() == 0, "no device, no knock");
    Ok(finding)
}

/// All that a host said: its messages, and its close with the words.
type Bytes = (Vec<Vec<u8>>, End);

/// Asks and keeps the answers by code.
struct Prober {
    mallory: Persona,
    /// Asks again and again, and is always too fast.
    hasty: Rogue,
    /// Number of the next address that has not asked yet.
    next: u16,
    answers: BTreeMap<u32, Vec<(String, Bytes)>>,
    unexpected: Vec<String>,
}

impl Prober {
    fn new() -> Result<Self> {
        Ok(Self {
            mallory: Persona::fresh("Mallory")?,
            hasty: Rogue::at(source(0))?,
            next: 1,
            answers: BTreeMap::new(),
            unexpected: Vec::new(),
        })
    }

    fn fresh_source(&mut self) -> Result<Rogue> {
        self.next += 1;
        Rogue::at(source(self.next))
    }

    fn keep(&mut self, state: &str, answer: Answer, expected: u32) {
        let code = answer.end.code().unwrap_or_default();
        if code != expected {
            self.unexpected.push(format!("{state}: 0x{code:02x} in place of 0x{expected:02x}"));
        }
        self.answers.entry(code).or_default().push((state.to_owned(), (answer.payloads, answer.end)));
    }

    /// Asks from an address that is new here, from one that is too fast, and without a certificate.
    async fn probe(&mut self, victim: &Victim, state: &str, expected: u32) -> Result<()> {
        let asked = self.fresh_source()?.ask(victim.address, &self.mallory, &whole()).await?;
        self.keep(state, asked, expected);
        let anonymous = self.fresh_source()?.ask(victim.address, &Persona::anonymous(), &whole()).await?;
        self.keep(state, anonymous, 0x63);
        self.probe_hasty(victim, state).await
    }

    async fn probe_hasty(&mut self, victim: &Victim, state: &str) -> Result<()> {
        // The first may be in time again; the second is not.
        self.hasty.ask(victim.address, &self.mallory, &malformed()).await?;
        let asked = self.hasty.ask(victim.address, &self.mallory, &whole()).await?;
        self.keep(state, asked, 0x62);
        Ok(())
    }

    /// Uses the armed PIN up by a guess.
    async fn spend(&mut self, victim: &Victim) -> Result<()> {
        let mut line = self.fresh_source()?.call(victim.address, &self.mallory).await?;
        line.say(&whole()).await?;
        line.hear().await;
        Ok(())
    }
}

/// A request that is answered whenever a PIN is armed: the base point as the client's half.
pub(super) fn whole() -> Vec<u8> {
    let mut spake = [0x66; 33];
    (spake[0], spake[1]) = (b'A', 0x58);
    ControlMessage::PairRequest(PairRequest { name: Some("Mallory".into()), spake }).encode()
}

/// One that never uses a PIN up.
pub(super) fn malformed() -> Vec<u8> {
    let spake = [b'B'; 33];
    ControlMessage::PairRequest(PairRequest { name: Some("Mallory".into()), spake }).encode()
}

/// Who is too fast must not learn from the time it takes whether a PIN is armed. What leaks shows every time, what the
/// machine does beside shows once.
async fn time_the_hasty(victim: &Victim, finding: &mut Finding) -> Result<()> {
    let mut times = Times::measure(victim).await?;
    if !times.are_alike() {
        times = Times::measure(victim).await?;
    }
    let promise = "how long a refusal takes does not tell whether a PIN is armed";
    finding.check(promise, times.are_alike(), times);
    Ok(())
}

/// How long refusals took.
struct Times {
    armed: Vec<Duration>,
    disarmed: Vec<Duration>,
}

impl Times {
    async fn measure(victim: &Victim) -> Result<Self> {
        let (rogue, mallory) = (Rogue::at(source(0))?, Persona::fresh("Mallory")?);
        let mut times = Self { armed: Vec::new(), disarmed: Vec::new() };
        for block in 0..BLOCKS {
            let samples = if block % 2 == 0 {
                victim.arm()?;
                &mut times.armed
            } else {
                victim.ctl(&["pair", "disarm"])?;
                &mut times.disarmed
            };
            // Arming took a moment: the first of a block may be in time.
            rogue.ask(victim.address, &mallory, &malformed()).await?;
            for _ in 0..SAMPLES {
                let answer = rogue.ask(victim.address, &mallory, &malformed()).await?;
                if answer.end.code() == Some(0x62) {
                    samples.push(answer.took);
                }
            }
        }
        Ok(times)
    }

    fn are_alike(&self) -> bool {
        INDISTINCT.contains(&share_slower(&self.armed, &self.disarmed))
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = 100.0 * share_slower(&self.armed, &self.disarmed);
        // How blunt this measurement is, for whoever reads it: on a busy machine, quite.
        let noticed = (1..1_000).map(|n| STEP * n).find(|delay| {
            let delayed: Vec<Duration> = self.armed.iter().map(|took| *took + *delay).collect();
            !INDISTINCT.contains(&share_slower(&delayed, &self.disarmed))
        });
        let (answers, noticed) = (self.armed.len(), noticed.unwrap_or_default());
        write!(f, "slower while armed in {share:.0} % of pairs of {answers} answers; {noticed:?} would be noticed")
    }
}

/// Of all pairs, the share in which the first is slower: a half if the two are alike (Mann and Whitney).
fn share_slower(first: &[Duration], second: &[Duration]) -> f64 {
    let pairs = first.iter().flat_map(|a| second.iter().map(move |b| (a, b)));
    let slower: f64 = pairs
        .map(|(a, b)| {
            if a > b {
                1.0
            } else if a == b {
                0.5
            } else {
                0.0
            }
        })
        .sum();
    slower / (first.len() * second.len()).max(1) as f64
}

const BLOCKS: usize = 16;
const SAMPLES: usize = 20;
const STEP: Duration = Duration::from_micros(20);
/// With 160 answers a side the share strays from a half by 0.032 (one standard deviation) when nothing is told; a busy
/// machine adds to that.
const INDISTINCT: std::ops::Range<f64> = 0.25..0.75;
