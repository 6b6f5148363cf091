//! What was committed before the exact proof could judge it, and was refused then, ends again (X1).

use audit::CloseCause;
use model::PlanCause;
use registry::Commit;
use std::pin::Pin;
use tokio::sync::oneshot::Receiver;

use crate::Center;
use crate::apply::plan_refused;
use crate::close::take_back;
use crate::second_opinion::Veto;

/// Waits for what the exact proof says of a committed plan. A no is recorded with its counter-example; the line it
/// opened is ended. Then the exact proof begins again from what stands, and opens nothing if that is not sound.
pub(crate) fn heard(
    center: Center,
    cause: PlanCause,
    said: Receiver<Result<(), Veto>>,
) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    // Boxed: to end a line is to commit again, and what is committed is heard of again.
    Box::pin(listen(center, cause, said))
}

async fn listen(center: Center, cause: PlanCause, said: Receiver<Result<(), Veto>>) {
    // Nothing is said at the end of the process, or after a breach that was told already.
    let refutation = match said.await {
        Ok(Err(Veto::Breach(refutation))) => refutation,
        Ok(Err(veto @ Veto::Silent)) => {
            tracing::error!(?cause, "the exact proof failed; it begins again from what stands");
            let state = center.state().await;
            return center.second().mend(&veto, || state.verifier.states());
        }
        Ok(Ok(())) | Err(_) => return,
    };
    tracing::error!(%refutation, ?cause, "the two proofs disagree; report this");
    let grant = match &cause {
        PlanCause::Open(grant) => Some(*grant),
        _ => None,
    };
    let refused = plan_refused(cause, grant, &refutation);
    let mut state = center.state().await;
    let ended = match grant {
        Some(grant) => {
            let done = take_back(&center, &mut state, grant, CloseCause::Vetoed, None, vec![refused]).await;
            done.map_err(|error| error.to_string())
        }
        None => {
            let done = center.registry().commit(Commit::at(center.now()).event(refused)).await;
            done.map(drop).map_err(|error| error.to_string())
        }
    };
    if let Err(error) = ended {
        tracing::error!(error, "what the exact proof refused could not be ended; its lease will end it");
    }
    center.second().again(state.verifier.states());
}
