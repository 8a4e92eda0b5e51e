//! Somebody inside the machine who does what the trial says, over the second serial port (`vm/shell.sh`).

use std::{
    io::{ErrorKind, Read as _, Write as _},
    os::unix::net::UnixStream,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};

/// A line to that somebody.
pub(crate) struct Shell {
    stream: UnixStream,
    heard: Vec<u8>,
    number: u32,
    is_there: bool,
}

impl Shell {
    /// Nobody need be there yet: the first command waits for it.
    pub(crate) fn over(stream: UnixStream) -> Result<Self> {
        stream.set_read_timeout(Some(POLL))?;
        Ok(Self { stream, heard: Vec::new(), number: 0, is_there: false })
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
        self.say(command).map(drop)
    }

    fn ask(&mut self, command: &str) -> Result<(i32, String)> {
        self.await_somebody()?;
        let number = self.say(command)?;
        let answer = self.answer(number, PATIENCE)?;
        answer.with_context(|| format!("inside, `{command}` did not end within {PATIENCE:?}"))
    }

    /// Says something to whoever may be there until somebody answers.
    fn await_somebody(&mut self) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !self.is_there {
            ensure!(Instant::now() < deadline, "nobody inside answered within {PATIENCE:?}");
            let number = self.say("true")?;
            self.is_there = self.answer(number, AGAIN)?.is_some();
        }
        Ok(())
    }

    fn say(&mut self, command: &str) -> Result<u32> {
        self.number += 1;
        writeln!(self.stream, "{} {command}", self.number)?;
        Ok(self.number)
    }

    /// The answer to this number, if it comes in time.
    fn answer(&mut self, number: u32, patience: Duration) -> Result<Option<(i32, String)>> {
        let deadline = Instant::now() + patience;
        let mut piece = [0; 4096];
        while Instant::now() < deadline {
            match self.stream.read(&mut piece) {
                Ok(0) => bail!("the machine ended"),
                Ok(count) => self.heard.extend_from_slice(&piece[..count]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(error) => return Err(error.into()),
            }
            if let Some(answer) = answer_in(&String::from_utf8_lossy(&self.heard), number) {
                return Ok(Some(answer));
            }
        }
        Ok(None)
    }
}

fn answer_in(heard: &str, number: u32) -> Option<(i32, String)> {
    let (_, after) = heard.rsplit_once(&format!("began {number}\n"))?;
    let (said, end) = after.split_once(&format!("\nended {number} "))?;
    let status = end.split_once('\n')?.0.trim().parse().ok()?;
    Some((status, said.trim().to_owned()))
}

/// A machine that starts takes minutes; so does an upgrade in it.
const PATIENCE: Duration = Duration::from_secs(600);
const AGAIN: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(200);

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
