//! Somebody inside the machine who does what the trial says, over the second serial port (`vm/shell.sh`).

use std::{
    io::{ErrorKind, Read as _, Write as _},
    os::unix::net::UnixStream,
    time::{Duration, Instant},
};

use anyhow::{Result, bail, ensure};

/// A line to that somebody.
pub(crate) struct Shell {
    stream: UnixStream,
    heard: Vec<u8>,
    number: u32,
}

impl Shell {
    /// Nobody need be there yet: the first command waits for it.
    pub(crate) fn over(stream: UnixStream) -> Result<Self> {
        stream.set_read_timeout(Some(AGAIN))?;
        Ok(Self { stream, heard: Vec::new(), number: 0 })
    }

    /// Has a line of bash carried out by root; says what it wrote. One that fails is an error with that.
    pub(crate) fn run(&mut self, command: &str) -> Result<String> {
        match self.ask(command)? {
            (0, said) => Ok(said),
            (status, said) => bail!("inside, `{command}` ended with {status}: {said}"),
        }
    }

    /// The same for one that has to fail: says what it wrote.
    pub(crate) fn refused(&mut self, command: &str) -> Result<String> {
        let (status, said) = self.ask(command)?;
        ensure!(status != 0, "inside, `{command}` went through: {said}");
        Ok(said)
    }

    /// Begins what ends the machine.
    pub(crate) fn begin(&mut self, command: &str) -> Result<()> {
        self.await_somebody()?;
        let number = self.next();
        Ok(writeln!(self.stream, "{number} {command}")?)
    }

    fn ask(&mut self, command: &str) -> Result<(i32, String)> {
        self.await_somebody()?;
        let number = self.next();
        writeln!(self.stream, "{number} {command}")?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(answer) = self.answer(number)? {
                return Ok(answer);
            }
            ensure!(Instant::now() < deadline, "inside, `{command}` did not end within {PATIENCE:?}");
        }
    }

    /// Says something to whoever is there until somebody answers.
    fn await_somebody(&mut self) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let number = self.next();
            writeln!(self.stream, "{number} true")?;
            if self.answer(number)?.is_some() {
                return Ok(());
            }
        }
        bail!("nobody inside answered within {PATIENCE:?}")
    }

    fn next(&mut self) -> u32 {
        self.number += 1;
        self.number
    }

    /// What came to this number, if it came by now or comes within [`AGAIN`].
    fn answer(&mut self, number: u32) -> Result<Option<(i32, String)>> {
        let mut piece = [0; 4096];
        match self.stream.read(&mut piece) {
            Ok(0) => bail!("the machine ended"),
            Ok(count) => self.heard.extend_from_slice(&piece[..count]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(answer_in(&String::from_utf8_lossy(&self.heard), number))
    }
}

fn answer_in(heard: &str, number: u32) -> Option<(i32, String)> {
    let (_, after) = heard.rsplit_once(&format!("began {number}\n"))?;
    let (said, end) = after.rsplit_once(&format!("ended {number} "))?;
    let status = end.split_once('\n')?.0.trim().parse().ok()?;
    Some((status, said.trim().to_owned()))
}

/// A machine that starts takes minutes; so does an upgrade in it.
const PATIENCE: Duration = Duration::from_secs(600);
const AGAIN: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::answer_in;

    #[test]
    fn the_answer_to_a_command_is_found_by_its_number() {
        let heard = "noise began 1\n\nended 1 0\nbegan 2\nended 1 7\nno such file\nended 2 1\n";
        assert_eq!(answer_in(heard, 1), Some((0, String::new())));
        assert_eq!(answer_in(heard, 2), Some((1, "ended 1 7\nno such file".to_owned())));
        assert_eq!(answer_in(heard, 3), None);
        assert_eq!(answer_in("began 3\nhalf\nended 3 0", 3), None);
    }
}
