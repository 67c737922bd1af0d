//! One connection of the engine: requests in, answers out in the same order.

use std::io::{Read, Write};

use prost::bytes::BytesMut;
use prost::Message;
use tendermint_abci::Application;
use tendermint_proto::v0_38::abci::request::Value;
use tendermint_proto::v0_38::abci::{response, Request, Response, ResponseException};

use crate::frame;

/// How much is read at once.
const READ_BYTES: usize = 64 << 10;
/// Answers are written when they amount to this much, or when nothing waits to be read.
const WRITE_BYTES: usize = 256 << 10;

/// Serve `stream` until the engine closes it.
pub(crate) fn serve<S: Read + Write>(mut stream: S, app: &impl Application) -> Result<(), crate::Error> {
    let mut input = BytesMut::with_capacity(READ_BYTES);
    let mut output = Vec::with_capacity(READ_BYTES);
    let mut chunk = vec![0; READ_BYTES];
    loop {
        while let Some(request) = frame::next(&mut input)? {
            let flush = matches!(request.value, Some(Value::Flush(_)));
            if matches!(request.value, Some(Value::Query(_))) {
                // Strangers ask on a connection of their own; this thread serves no other.
                aside::give_way();
            }
            // Encoding into a vector cannot run out of room.
            let _ = answer(app, request).encode_length_delimited(&mut output);
            if flush || output.len() >= WRITE_BYTES {
                write(&mut stream, &mut output)?;
            }
        }
        // Everything that arrived is answered: the engine may be waiting for it.
        write(&mut stream, &mut output)?;
        let count = stream.read(&mut chunk)?;
        if count == 0 {
            return Ok(());
        }
        input.extend_from_slice(&chunk[..count]);
    }
}

fn write(stream: &mut impl Write, output: &mut Vec<u8>) -> std::io::Result<()> {
    if !output.is_empty() {
        stream.write_all(output)?;
        stream.flush()?;
        output.clear();
    }
    Ok(())
}

fn answer(app: &impl Application, request: Request) -> Response {
    use response::Value as Answer;
    let answer = match request.value {
        Some(Value::Echo(request)) => Answer::Echo(app.echo(request)),
        Some(Value::Flush(_)) => Answer::Flush(app.flush()),
        Some(Value::Info(request)) => Answer::Info(app.info(request)),
        Some(Value::InitChain(request)) => Answer::InitChain(app.init_chain(request)),
        Some(Value::Query(request)) => Answer::Query(app.query(request)),
        Some(Value::CheckTx(request)) => Answer::CheckTx(app.check_tx(request)),
        Some(Value::Commit(_)) => Answer::Commit(app.commit()),
        Some(Value::ListSnapshots(_)) => Answer::ListSnapshots(app.list_snapshots()),
        Some(Value::OfferSnapshot(request)) => Answer::OfferSnapshot(app.offer_snapshot(request)),
        Some(Value::LoadSnapshotChunk(request)) => {
            Answer::LoadSnapshotChunk(app.load_snapshot_chunk(request))
        }
        Some(Value::ApplySnapshotChunk(request)) => {
            Answer::ApplySnapshotChunk(app.apply_snapshot_chunk(request))
        }
        Some(Value::PrepareProposal(request)) => Answer::PrepareProposal(app.prepare_proposal(request)),
        Some(Value::ProcessProposal(request)) => Answer::ProcessProposal(app.process_proposal(request)),
        Some(Value::ExtendVote(request)) => Answer::ExtendVote(app.extend_vote(request)),
        Some(Value::VerifyVoteExtension(request)) => {
            Answer::VerifyVoteExtension(app.verify_vote_extension(request))
        }
        Some(Value::FinalizeBlock(request)) => Answer::FinalizeBlock(app.finalize_block(request)),
        None => Answer::Exception(ResponseException {
            error: "a request without content, or of an ABCI version other than 2.0".into(),
        }),
    };
    Response { value: Some(answer) }
}
