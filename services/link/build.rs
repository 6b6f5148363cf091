//! RPC stubs from the same files as `core/wire`, over its messages.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = "../../core/wire/proto";
    println!("cargo:rerun-if-changed={root}");
    let descriptors = protox::compile(["sekisho/link/v1/link.proto"], [root])?;
    tonic_prost_build::configure().extern_path(".sekisho.link.v1", "::wire::link").compile_fds(descriptors)?;
    Ok(())
}
