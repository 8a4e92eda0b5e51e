//! Questions to the host, on threads that may block, and only so many at a time.

use std::{sync::Arc, time::Duration};

use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

use crate::{
    host::Host,
    problem::{Problem, ProblemCode},
};

/// How long a question takes, and so with which others it shares places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effort {
    /// A look at memory, or a small write.
    Little,
    /// A password is hashed. Strangers can ask for this, so it has places of its own.
    Password,
    /// Seconds: backups, self tests.
    Long,
}

/// The places. Who waits for one too long is told to come again.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    little: Arc<Semaphore>,
    password: Arc<Semaphore>,
    long: Arc<Semaphore>,
}

impl Default for Work {
    fn default() -> Self {
        let places = |number| Arc::new(Semaphore::new(number));
        Self { little: places(LITTLE), password: places(PASSWORD), long: places(LONG) }
    }
}

impl Work {
    /// Asks. A question that was begun ends, and keeps its place until then, even if nobody waits for the answer.
    ///
    /// # Errors
    /// No place became free, or the question panicked, which is a bug of the host.
    pub(crate) async fn ask<T, F>(&self, effort: Effort, host: &Arc<dyn Host>, question: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&dyn Host) -> T + Send + 'static,
    {
        let (places, patience) = match effort {
            Effort::Little => (&self.little, LITTLE_PATIENCE),
            Effort::Password => (&self.password, PASSWORD_PATIENCE),
            Effort::Long => (&self.long, LONG_PATIENCE),
        };
        let place = timeout(patience, Arc::clone(places).acquire_owned()).await;
        let Ok(Ok(place)) = place else {
            return Err(
                Problem::new(ProblemCode::Busy, "the host is busy with other requests: try again").retry_after(1)
            );
        };
        let host = Arc::clone(host);
        let answer = spawn_blocking(move || {
            let answer = question(&*host);
            drop(place);
            answer
        });
        answer.await.map_err(|error| {
            tracing::error!(%error, "a request to the host panicked");
            Problem::new(ProblemCode::Internal, "the host could not answer because of a fault of its own: see its log")
        })
    }
}

/// Places for small questions.
const LITTLE: usize = 16;
const LITTLE_PATIENCE: Duration = Duration::from_secs(5);
/// Places for passwords. The host itself hashes fewer at a time and refuses the others.
const PASSWORD: usize = 8;
const PASSWORD_PATIENCE: Duration = Duration::from_secs(2);
/// Places for what takes long.
const LONG: usize = 4;
const LONG_PATIENCE: Duration = Duration::from_secs(10);
