//! Where the protocol between center and gates is written down.

use crate::page::{head, table};

/// Path in the repository, contents.
const FILES: [(&str, &str); 3] = [
    ("core/wire/proto/sekisho/link/v1/link.proto", include_str!("../../../core/wire/proto/sekisho/link/v1/link.proto")),
    (
        "core/wire/proto/sekisho/link/v1/order.proto",
        include_str!("../../../core/wire/proto/sekisho/link/v1/order.proto"),
    ),
    ("core/wire/proto/sekisho/link/v1/site.proto", include_str!("../../../core/wire/proto/sekisho/link/v1/site.proto")),
];

pub(crate) fn page() -> String {
    let mut out = head("Protocol between center and gates", "センターとゲートの間のプロトコル", "the `.proto` files");
    out.push_str(
        "\ngRPC over mutual TLS 1.3. The files are the contract: another make of gate can be built from them. \
         他社のゲートも、これらのファイルから実装できます。\n",
    );
    out.push_str(&table(
        &["file", "package", "messages"],
        FILES.iter().map(|(path, text)| {
            let starting = |word: &str| -> Vec<String> {
                let lines = text.lines().filter_map(|line| line.strip_prefix(word));
                lines.map(|rest| rest.trim_end_matches([' ', '{', ';']).to_owned()).collect()
            };
            let messages: Vec<String> = starting("message ").iter().map(|m| format!("`{m}`")).collect();
            vec![format!("[{path}](../../{path})"), starting("package ").join(" "), messages.join(" ")]
        }),
    ));
    out.push_str("\n## Calls\n\n```proto\n");
    for (_, text) in FILES {
        let lines = text.lines().filter(|line| line.starts_with("service ") || line.starts_with("  rpc "));
        lines.for_each(|line| out.push_str(&format!("{line}\n")));
    }
    out.push_str("}\n```\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_protocol_file_is_left_out() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../core/wire/proto/sekisho/link/v1");
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), FILES.len());
    }
}
