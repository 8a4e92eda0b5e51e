//! What every route works with.

use std::sync::Arc;

use crate::{
    events::Streams,
    host::Host,
    options::ApiOptions,
    problem::Problem,
    work::{Effort, Work},
};

/// What every route works with.
#[derive(Clone)]
pub(crate) struct App {
    host: Arc<dyn Host>,
    pub(crate) options: Arc<ApiOptions>,
    pub(crate) streams: Streams,
    work: Work,
}

impl App {
    pub(crate) fn new(host: Arc<dyn Host>, options: ApiOptions) -> Self {
        Self { host, options: Arc::new(options), streams: Streams::default(), work: Work::default() }
    }

    /// Asks the host something that always has an answer and takes little.
    ///
    /// # Errors
    /// The host is busy.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&dyn Host) -> T + Send + 'static,
    ) -> Result<T, Problem> {
        self.work.ask(Effort::Little, &self.host, question).await
    }

    /// Asks the host for something that it may refuse.
    ///
    /// # Errors
    /// The host is busy, or refuses.
    pub(crate) async fn order<T, E>(
        &self,
        effort: Effort,
        order: impl FnOnce(&dyn Host) -> Result<T, E> + Send + 'static,
    ) -> Result<T, Problem>
    where
        T: Send + 'static,
        E: Into<Problem> + Send + 'static,
    {
        self.work.ask(effort, &self.host, order).await?.map_err(Into::into)
    }
}
