//! What each request leads to.

use std::{
    fs, io,
    io::Read,
    sync::{Arc, Mutex},
};

use super::locked;
use crate::{
    client::Piece,
    fetch::{Receiver, Source},
    gate,
    machine::{Counter, Machine, MachineFault},
    model::{
        Answer, OfferedBy, OtherSlot, Request, SlotStanding, UpdateOffer, UpdateRefusal, UpdateRefusalCode as Code,
        UpdateStatus, UpdateStep, UpdateWork,
    },
    offer::{self, Signed},
    packages,
    places::{Places, Settings, SettingsFault},
    store::StoreFault,
    sums, sysupdate,
    version::Version,
};

/// The service's memory.
#[derive(Debug)]
pub struct Service {
    places: Places,
    desk: Mutex<Desk>,
}

#[derive(Debug, Default)]
struct Desk {
    /// What the last check found.
    offer: Option<(UpdateOffer, Signed)>,
    /// What has the folder of files to itself.
    busy: Busy,
    /// Why the last staging failed.
    refused: Option<UpdateRefusal>,
}

#[derive(Debug, Default)]
enum Busy {
    #[default]
    Free,
    Taken,
    Staging(UpdateWork),
}

type Done<T> = Result<T, UpdateRefusal>;

impl Service {
    /// A service over these places.
    pub fn new(places: Places) -> Arc<Self> {
        Arc::new(Self { places, desk: Mutex::default() })
    }

    /// Whether something is under way.
    pub fn is_working(&self) -> bool {
        !matches!(locked(&self.desk).busy, Busy::Free)
    }

    /// Answers a request that has no bytes after it.
    ///
    /// # Errors
    /// What is wrong, whose fault it is and what to do.
    pub fn answer(self: &Arc<Self>, request: Request) -> Done<Answer> {
        match request {
            Request::Status => Ok(Answer::Status(Box::new(self.status()?))),
            Request::Check { from } => Ok(Answer::Offer(Box::new(self.check(from)?))),
            Request::Begin => self.begin().map(|()| Answer::Done),
            Request::Stage { version } => Ok(Answer::Status(Box::new(self.stage(&version)?))),
            Request::Apply => self.apply().map(|()| Answer::Done),
            Request::Dismiss => {
                gate::change(&self.places, |state| state.dismiss())?;
                Ok(Answer::Status(Box::new(self.status()?)))
            }
            Request::Put { .. } => Err(UpdateRefusal::new(Code::BadRequest, "a file without bytes")),
        }
    }

    /// Takes a piece of a file in.
    ///
    /// # Errors
    /// Its name is none, it breaks off or is not the next one, or there is no room.
    pub fn put(&self, piece: Piece<'_>, from: &mut impl Read) -> Done<Answer> {
        let Piece { name, offset, bytes, last } = piece;
        if offset.saturating_add(bytes) > FILE_LIMIT {
            return Err(UpdateRefusal::new(Code::BadRequest, "a file of an update has 4 GiB at most"));
        }
        let _alone = self.alone()?;
        let folder = self.places.offer();
        let held: u64 = fs::read_dir(&folder).into_iter().flatten().flatten().count() as u64;
        if held >= FILES {
            return Err(UpdateRefusal::new(Code::BadRequest, format!("an update has {FILES} files at most")));
        }
        let mut receiver = Receiver::resume(&folder, name, (offset, bytes))?;
        let taken = receiver.take(&mut from.take(bytes))?;
        if taken < bytes {
            let what = format!("{name} broke off after {taken} of {bytes} bytes: bring it again");
            return Err(UpdateRefusal::new(Code::Damaged, what));
        }
        if last {
            receiver.finish()?
        } else {
            receiver.pause()
        }
        locked(&self.desk).offer = None;
        Ok(Answer::Done)
    }

    fn status(&self) -> Done<UpdateStatus> {
        let machine = Machine::look(&self.places)?;
        let (offer, work, refused) = {
            let desk = locked(&self.desk);
            let work = match &desk.busy {
                Busy::Staging(work) => Some(work.clone()),
                Busy::Free | Busy::Taken => None,
            };
            (desk.offer.as_ref().map(|(offer, _)| offer.clone()), work, desk.refused.clone())
        };
        // While a slot is written, its entry is not there yet: that says nothing.
        let state = gate::change(&self.places, |state| {
            if work.is_none() {
                state.observe(&machine, gate::unix_now());
            }
            state.clone()
        })?;
        let other = machine.other().map(|entry| OtherSlot {
            version: entry.version.clone(),
            standing: match entry.counter {
                None => SlotStanding::Good,
                Some(Counter { left: 0, .. }) => SlotStanding::Bad,
                Some(_) => SlotStanding::Untried,
            },
        });
        let on_trial = machine.entry(&machine.running).is_some_and(|entry| entry.counter.is_some());
        let staged = state.staged.map(|staged| staged.version);
        Ok(UpdateStatus {
            on_trial,
            other,
            staged: staged.filter(|version| *version != machine.running && work.is_none()),
            source: Settings::read(&self.places.config)?.source,
            offer,
            work,
            refused,
            last: state.last,
            image: machine.image,
            running: machine.running,
        })
    }

    /// Empties the folder of files.
    fn begin(&self) -> Done<()> {
        let _alone = self.alone()?;
        self.clear()
    }

    fn clear(&self) -> Done<()> {
        locked(&self.desk).offer = None;
        match fs::remove_dir_all(self.places.offer()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(unwritten(&self.places, &error)),
            _ => fs::create_dir_all(self.places.offer()).map_err(|error| unwritten(&self.places, &error)),
        }
    }

    fn check(&self, by: OfferedBy) -> Done<UpdateOffer> {
        let _alone = self.alone()?;
        let machine = Machine::look(&self.places)?;
        let folder = self.places.offer();
        let source = match by {
            OfferedBy::Source => {
                let source = self.source()?;
                self.clear()?;
                source.fetch(&self.places, &folder, sums::SUMS, LIST_LIMIT)?;
                match source.fetch(&self.places, &folder, sums::SIGNATURE, SIGNATURE_LIMIT) {
                    // Said below as what it is: not signed.
                    Err(refusal) if refusal.code != Code::Unreachable => return Err(refusal),
                    _ => Some(source),
                }
            }
            OfferedBy::Files if !folder.join(sums::SUMS).exists() => {
                return Err(UpdateRefusal::new(
                    Code::NoSource,
                    "no files of an update were brought: SHA256SUMS is not there",
                ));
            }
            OfferedBy::Files => None,
        };
        let signed = offer::signed(&self.places, &machine, &folder)?;
        let newer = offer::is_newer(&machine, &signed.contents)?;
        if let (OfferedBy::Files, true) = (by, newer) {
            signed.contents.parts.iter().try_for_each(|part| offer::check(&folder, part))?;
        }
        let packages = if newer { self.compare(source.as_ref(), &signed)? } else { None };
        let version = newer.then(|| signed.contents.version.clone());
        let offer = UpdateOffer { version, by, signed_by: signed.by.clone(), packages };
        let mut desk = locked(&self.desk);
        desk.refused = None;
        desk.offer = Some((offer.clone(), signed));
        Ok(offer)
    }

    /// The difference in packages, where both systems have a list.
    fn compare(&self, source: Option<&Source>, signed: &Signed) -> Done<Option<Vec<crate::model::PackageChange>>> {
        let Some(listed) = &signed.contents.packages else { return Ok(None) };
        let folder = self.places.offer();
        match source {
            Some(source) => source.fetch(&self.places, &folder, &listed.name, LIST_LIMIT)?,
            // Who brings files may leave the list out.
            None if !folder.join(&listed.name).exists() => return Ok(None),
            None => {}
        }
        offer::check(&folder, listed)?;
        let theirs = fs::read_to_string(folder.join(&listed.name)).map_err(|error| unwritten(&self.places, &error))?;
        let ours = fs::read_to_string(&self.places.packages).ok();
        Ok(ours.map(|ours| packages::difference(&ours, &theirs)))
    }

    fn source(&self) -> Done<Source> {
        let source = Settings::read(&self.places.config)?.source.ok_or_else(|| {
            let what = format!(
                "no source of updates is configured: write source = \"https://…\" into {}, or bring files",
                self.places.config.display()
            );
            UpdateRefusal::new(Code::NoSource, what)
        })?;
        Ok(Source::new(&source))
    }

    /// Begins to stage what the last check found.
    fn stage(self: &Arc<Self>, version: &Version) -> Done<UpdateStatus> {
        let machine = Machine::look(&self.places)?;
        let refuse = |code, what: String| Err(UpdateRefusal::new(code, what));
        let on_trial = machine.entry(&machine.running).is_some_and(|entry| entry.counter.is_some());
        // What it would go back to is in the slot that would be written.
        if on_trial && machine.can_go_back() {
            let what = format!("version {} runs on trial: wait until it has proven itself", machine.running);
            return refuse(Code::Busy, what);
        }
        {
            let mut desk = locked(&self.desk);
            let (by, signed) = match &desk.offer {
                Some((offer, signed))
                    if offer.version.as_ref().is_some_and(|offered| offered.as_str() == version.as_str()) =>
                {
                    (offer.by, signed.clone())
                }
                _ => {
                    return refuse(
                        Code::NotReady,
                        format!("version {version} is not what the last check found: check again"),
                    );
                }
            };
            if !matches!(desk.busy, Busy::Free) {
                return Err(busy());
            }
            desk.refused = None;
            desk.busy = Busy::Staging(UpdateWork { version: version.clone(), step: UpdateStep::Fetching });
            let service = Arc::clone(self);
            let work = move || service.work(by, &signed, &machine);
            if let Err(error) = std::thread::Builder::new().name("stage".into()).spawn(work) {
                desk.busy = Busy::Free;
                return refuse(Code::Machine, format!("the system refuses a thread: {error}"));
            }
        }
        self.status()
    }

    fn work(&self, by: OfferedBy, signed: &Signed, machine: &Machine) {
        let version = &signed.contents.version;
        eprintln!("punktfunk-update: staging {version}");
        let done = self.bring(by, signed).and_then(|()| self.install(signed, machine));
        match &done {
            Ok(()) => eprintln!("punktfunk-update: {version} is staged"),
            Err(refusal) => eprintln!("punktfunk-update: {version} is not staged: {refusal}"),
        }
        if done.is_ok() {
            let _ = self.clear();
        }
        let mut desk = locked(&self.desk);
        desk.refused = done.err();
        desk.busy = Busy::Free;
    }

    /// Fetches what is not there yet, then looks at every byte once more.
    fn bring(&self, by: OfferedBy, signed: &Signed) -> Done<()> {
        let folder = self.places.offer();
        for part in &signed.contents.parts {
            if by == OfferedBy::Source && offer::check(&folder, part).is_err() {
                self.source()?.fetch(&self.places, &folder, &part.name, FILE_LIMIT)?;
            }
        }
        self.step(UpdateStep::Verifying);
        let machine = Machine::look(&self.places)?;
        let again = offer::signed(&self.places, &machine, &folder)?;
        if again != *signed || !offer::is_newer(&machine, &again.contents)? {
            return Err(UpdateRefusal::new(
                Code::NotReady,
                "the files have changed since they were checked: check again",
            ));
        }
        again.contents.parts.iter().try_for_each(|part| offer::check(&folder, part))
    }

    /// Writes the slot. The state says so before: a power cut in between leaves an entry that is not there, which
    /// [`crate::state::State::observe`] forgets, and never one that nobody knows of.
    fn install(&self, signed: &Signed, machine: &Machine) -> Done<()> {
        let version = &signed.contents.version;
        self.step(UpdateStep::Writing);
        gate::change(&self.places, |state| state.staged(version.clone(), machine.running.clone()))?;
        let forgotten = match machine.entry(version) {
            // It was tried before: only what is not there is written again.
            Some(entry) => fs::remove_file(&entry.path).map_err(|error| {
                UpdateRefusal::new(Code::Machine, format!("{} cannot be removed: {error}", entry.path.display()))
            }),
            None => Ok(()),
        };
        let written = forgotten.and_then(|()| sysupdate::install(&self.places, version)).and_then(|()| {
            let now = Machine::look(&self.places)?;
            match now.entry(version) {
                None if !machine.entries.is_empty() => {
                    Err(UpdateRefusal::new(Code::Machine, "the slot was written, but the boot menu does not list it"))
                }
                _ => Ok(()),
            }
        });
        if written.is_err() {
            gate::change(&self.places, |state| state.staged = None)?;
        }
        written
    }

    fn step(&self, step: UpdateStep) {
        if let Busy::Staging(work) = &mut locked(&self.desk).busy {
            work.step = step;
        }
    }

    fn apply(&self) -> Done<()> {
        let status = self.status()?;
        let Some(version) = status.staged else {
            return Err(UpdateRefusal::new(
                Code::NotReady,
                "nothing is staged to start: check and stage an update first",
            ));
        };
        eprintln!("punktfunk-update: starting anew with {version}");
        gate::reboot(&self.places)
            .map_err(|error| UpdateRefusal::new(Code::Machine, format!("the machine cannot be started anew: {error}")))
    }

    /// The folder of files for one request.
    fn alone(&self) -> Done<Alone<'_>> {
        let mut desk = locked(&self.desk);
        match desk.busy {
            Busy::Free => {
                desk.busy = Busy::Taken;
                Ok(Alone(&self.desk))
            }
            Busy::Taken | Busy::Staging(_) => Err(busy()),
        }
    }
}

/// Gives the folder of files back when dropped.
struct Alone<'a>(&'a Mutex<Desk>);

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        locked(self.0).busy = Busy::Free;
    }
}

fn busy() -> UpdateRefusal {
    UpdateRefusal::new(Code::Busy, "an update is being checked or staged: wait until that is done")
}

fn unwritten(places: &Places, error: &io::Error) -> UpdateRefusal {
    UpdateRefusal::new(Code::Machine, format!("{}: {error}", places.offer().display()))
}

impl From<MachineFault> for UpdateRefusal {
    fn from(fault: MachineFault) -> Self {
        Self::new(Code::Machine, fault.to_string())
    }
}

impl From<SettingsFault> for UpdateRefusal {
    fn from(fault: SettingsFault) -> Self {
        Self::new(Code::Machine, fault.to_string())
    }
}

impl From<StoreFault> for UpdateRefusal {
    fn from(fault: StoreFault) -> Self {
        Self::new(Code::Machine, fault.to_string())
    }
}

/// Files of one update, with room.
const FILES: u64 = 16;
/// A partition or kernel, in bytes.
const FILE_LIMIT: u64 = 4 << 30;
/// A list, in bytes.
const LIST_LIMIT: u64 = 4 << 20;
/// A signature, in bytes.
const SIGNATURE_LIMIT: u64 = 64 << 10;
