//! The threat tables of the six scenarios (N11).

use crate::HandbookError;
use crate::page::head;

pub(crate) fn page() -> Result<String, HandbookError> {
    let mut out = head("Threats of the six scenarios", "六つの場面の脅威", "`testing/scenes/scenarios`");
    out.push_str(
        "\nEach threat names the control that answers it and what tries it: a check of a play with real packets \
         (`cargo xtask demo scenarios`), or a test. A test refuses a name that nothing tries. \
         脅威ごとに、対策と、それを試す検査を示します。\n",
    );
    let tables = scenes::page().map_err(|error| HandbookError::Example(error.to_string()))?;
    Ok(out + &tables)
}
