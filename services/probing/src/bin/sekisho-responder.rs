//! Answers the questions of `sekisho preflight` at one address of this machine.

use std::net::IpAddr;
use std::process::ExitCode;

use clap::Parser;
use preflight::Rules;
use probing::Responder;

/// Answers `sekisho preflight` on TCP 443, UDP 500, UDP 4500 and IP protocol 50. 事前確認への応答
#[derive(Debug, Parser)]
#[command(name = "sekisho-responder", version)]
struct Arguments {
    /// Address of this machine to answer at; no IKE daemon may use it. 応答するアドレス
    #[arg(long)]
    at: IpAddr,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Arguments = usage::read();
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    match Responder::bind(arguments.at, Rules::shipped().ports).await {
        Ok(responder) => {
            println!("answering at {}", arguments.at);
            responder.run().await;
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("sekisho-responder: {error}");
            ExitCode::FAILURE
        }
    }
}
