//! Compiles the protocol files with protox, so that no `protoc` is needed on the machine.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files =
        ["proto/sekisho/link/v1/site.proto", "proto/sekisho/link/v1/order.proto", "proto/sekisho/link/v1/link.proto"];
    for file in files {
        println!("cargo:rerun-if-changed={file}");
    }
    let descriptors = protox::compile(files, ["proto"])?;
    // Messages only: the RPC stubs need a runtime, which core may not know; they are made in services/link.
    tonic_prost_build::configure().build_client(false).build_server(false).compile_fds(descriptors)?;
    Ok(())
}
