//! What must hold of every state before it is installed.

use verify::Invariant;

use crate::page::{Both, head, table};

pub(crate) fn page() -> String {
    let both = Both::new();
    let mut out = head("Invariants", "不変条件", "`verify::Invariant`");
    out.push_str(
        "\nA change is installed only if all of these hold of the network it would produce (X1). A breach is refused with a \
         packet that would have passed, its way, and the rule that let it. After →: what to do.\n",
    );
    out + &table(
        &["id", "answers", "English", "日本語"],
        Invariant::ALL.iter().map(|invariant| {
            let [en, ja] = both.with_remedy(invariant.key(), invariant.remedy_key(), &[]);
            vec![invariant.id().to_owned(), invariant.requirements().join(" "), en, ja]
        }),
    )
}
