//! The proof can fail: each deliberate fault of the server or of the client breaks a promise in some story, and the
//! simulation reports it. That it reports nothing without them is what `stories` tests.
#![allow(clippy::unwrap_used, missing_docs)]

use madang_client::simulation::Mutant as Client;
use madang_server::simulation::Mutant as Server;
use madang_sim::{Options, tell};

/// Within so many stories each fault must show.
const SEEDS: u64 = 400;

fn is_found(options: Options) {
    let found = (0..SEEDS).find_map(|seed| Some((seed, tell(seed, options).err()?)));
    let (seed, broken) = found.unwrap();
    println!("seed {seed}: {broken}");
}

fn server(mutant: Server) {
    is_found(Options { server: Some(mutant), ..Options::default() });
}

fn client(mutant: Client) {
    is_found(Options { client: Some(mutant), ..Options::default() });
}

macro_rules! mutants {
    ($($name:ident: $side:ident($mutant:expr);)+) => {
        $(#[test]
        fn $name() {
            $side($mutant);
        })+
    };
}

mutants! {
    attaching_without_the_replay_is_found: server(Server::SkipsReplay);
    a_replay_of_one_too_few_is_found: server(Server::ReplaysOneTooFew);
    a_frame_dropped_on_overflow_is_found: server(Server::DropsOneFrame);
    a_gap_left_by_the_broker_is_found: server(Server::LeavesGaps);
    a_cursor_of_another_epoch_is_found: server(Server::IgnoresEpoch);
    an_answer_before_the_commit_is_found: server(Server::AnswersEarly);
    a_forgotten_cmid_is_found: server(Server::ForgetsCmid);
    a_repeat_with_a_new_seq_is_found: server(Server::RepeatsWithNewSeq);
    a_snapshot_that_claims_too_much_is_found: server(Server::SnapshotsAhead);
    a_client_that_jumps_gaps_is_found: client(Client::JumpsGaps);
    a_client_that_ignores_a_new_epoch_is_found: client(Client::IgnoresEpoch);
    a_client_that_keeps_nothing_is_found: client(Client::KeepsNothing);
    a_client_whose_writes_overtake_each_other_is_found: client(Client::SendsAhead);
    client_repeating_under_new_id_is_found: client(Client::RepeatsUnderNewId);
}
