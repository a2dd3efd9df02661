//! A back end with another one to take over from it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use assay_engine::{Backend, EngineError, Footprint, Input, Program, Pulse, Session, State, Tensor};

/// Runs programs on the first of two back ends, and on the second what the first cannot do.
///
/// A program that the first back end cannot prepare, for want of memory or because its device fails, is prepared by
/// the second. A session on the first that fails in the middle ends with its error, as any session does; from
/// then on the second prepares everything, so that whoever does the work again from its last
/// checkpoint gets what the first would have given. Both give the same bits, so nobody can tell.
pub struct FallBack {
    first: Arc<dyn Backend>,
    second: Arc<dyn Backend>,
    /// Whether a session on the first has failed.
    failed: Arc<AtomicBool>,
}

impl FallBack {
    /// The two back ends.
    #[must_use]
    pub fn new(first: Arc<dyn Backend>, second: Arc<dyn Backend>) -> FallBack {
        FallBack { first, second, failed: Arc::default() }
    }
}

impl Backend for FallBack {
    fn name(&self) -> &str {
        if self.failed.load(Ordering::Relaxed) { self.second.name() } else { self.first.name() }
    }

    fn prepare(&self, program: &Program) -> Result<Box<dyn Session>, EngineError> {
        if self.failed.load(Ordering::Relaxed) {
            return self.second.prepare(program);
        }
        match self.first.prepare(program) {
            Ok(session) => Ok(Box::new(Watched {
                session,
                failed: Arc::clone(&self.failed),
                names: [&self.first, &self.second].map(|backend| backend.name().to_owned()),
            })),
            Err(error) if error.is_of_machine() => {
                tracing::warn!(
                    backend = self.first.name(),
                    instead = self.second.name(),
                    "cannot prepare a program ({error}); going on without it"
                );
                self.second.prepare(program)
            }
            Err(error) => Err(error),
        }
    }

    fn footprint(&self, program: &Program) -> Result<Footprint, EngineError> {
        if self.failed.load(Ordering::Relaxed) {
            return self.second.footprint(program);
        }
        match self.first.footprint(program) {
            Err(error) if error.is_of_machine() => self.second.footprint(program),
            result => result,
        }
    }
}

/// A session that tells when its back end fails.
struct Watched {
    session: Box<dyn Session>,
    failed: Arc<AtomicBool>,
    names: [String; 2],
}

impl Watched {
    fn watch<T>(&self, result: Result<T, EngineError>) -> Result<T, EngineError> {
        let [backend, instead] = &self.names;
        if let Err(error) = &result
            && error.is_of_machine()
            && !self.failed.swap(true, Ordering::Relaxed)
        {
            tracing::error!(backend, instead, "{error}; going on without it until the next start");
        }
        result
    }
}

impl Session for Watched {
    fn program(&self) -> &Program {
        self.session.program()
    }

    fn load(&mut self, state: &State) -> Result<(), EngineError> {
        let result = self.session.load(state);
        self.watch(result)
    }

    fn execute(&mut self, inputs: &[Input<'_>]) -> Result<Option<Pulse>, EngineError> {
        let result = self.session.execute(inputs);
        self.watch(result)
    }

    fn state(&mut self) -> Result<State, EngineError> {
        let result = self.session.state();
        self.watch(result)
    }

    fn steps(&self) -> Result<u64, EngineError> {
        self.session.steps()
    }

    fn tensor(&mut self, name: &str) -> Result<Tensor, EngineError> {
        let result = self.session.tensor(name);
        self.watch(result)
    }

    fn state_root(&mut self) -> Result<[u8; 32], EngineError> {
        let result = self.session.state_root();
        self.watch(result)
    }
}
