//! A node that runs for one test, and a client for it.

use assay_node_runtime::{
    tx_extension, AccountId, Balance, Hash, Nonce, Runtime, RuntimeCall, RuntimeEvent, SignedPayload,
    UncheckedExtrinsic, VERSION,
};
use codec::{Decode, DecodeAll, Encode};
use serde_json::{json, Value};
use sp_core::{sr25519, Pair};
use sp_runtime::{generic, traits::IdentifyAccount, MultiSignature, MultiSigner};
use std::{
    collections::{BTreeMap, VecDeque},
    io::{BufRead, BufReader, Read},
    net::TcpStream,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{mpsc, Mutex},
    thread,
    time::{Duration, Instant},
};
use tungstenite::{Message, WebSocket};

/// How long anything may take before a test fails. Generous, because tests run
/// beside each other on machines that do other things too.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub type EventRecord = frame_system::EventRecord<RuntimeEvent, Hash>;

/// A running node; killed when dropped.
pub struct Node {
    child: Child,
    pub port: u16,
    pub genesis: Hash,
}

/// What a program that ended left behind.
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assay-node"));
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs the program with flags under which it ends by itself.
pub fn run_to_end(args: &[&str]) -> Ended {
    let (sender, receiver) = mpsc::channel();
    let child = command(args).spawn().unwrap();
    let pid = child.id();
    thread::spawn(move || sender.send(child.wait_with_output()));
    let Ok(output) = receiver.recv_timeout(PATIENCE) else {
        signal(pid, "KILL");
        panic!("assay-node {args:?} did not end");
    };
    let output = output.unwrap();
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn signal(pid: u32, name: &str) {
    // The shell's own `kill` is there wherever a shell is.
    let status = Command::new("sh").args(["-c", &format!("kill -{name} {pid}")]).status().unwrap();
    assert!(status.success());
}

impl Node {
    /// Starts a node on any free port and waits until it is ready.
    pub fn start(args: &[&str]) -> Self {
        let mut child = command(&[&["--rpc-port", "0"], args].concat()).spawn().unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let log = thread::spawn(move || {
            let mut text = String::new();
            let _ = stderr.read_to_string(&mut text);
            text
        });
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let Ok(line) = receiver.recv_timeout(PATIENCE) else {
            let _ = child.kill();
            panic!("the node did not become ready: {}", log.join().unwrap());
        };
        let words: Vec<_> = line.split(' ').collect();
        let ["ready", url, "genesis", genesis] = words[..] else { panic!("not ready: {line}") };
        let port = url.strip_prefix("ws://127.0.0.1:").unwrap().parse().unwrap();
        Self { child, port, genesis: genesis.parse().unwrap() }
    }

    /// Connects a client over WebSocket.
    pub fn client(&self) -> Client {
        Client::connect(self.port)
    }

    /// Ends the node with a signal and returns its exit status.
    pub fn stop(mut self, name: &str) -> ExitStatus {
        signal(self.child.id(), name);
        self.child.wait().unwrap()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A JSON-RPC client over one WebSocket connection.
pub struct Client {
    socket: WebSocket<TcpStream>,
    next_id: u64,
    /// Notifications that arrived while waiting for something else.
    notifications: VecDeque<Value>,
}

impl Client {
    pub fn connect(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let (socket, _) = tungstenite::client(format!("ws://127.0.0.1:{port}"), stream).unwrap();
        Self { socket, next_id: 0, notifications: VecDeque::new() }
    }

    fn receive(&mut self) -> Value {
        let asked = Instant::now();
        loop {
            if let Message::Text(text) = self.socket.read().expect("the node answers in time") {
                return serde_json::from_str(text.as_str()).unwrap();
            }
            // Pings do not count as an answer.
            assert!(asked.elapsed() < PATIENCE, "the node does not answer");
        }
    }

    /// Calls a method; an error is a `Err` with the server's error object.
    pub fn try_call(&mut self, method: &str, params: Value) -> Result<Value, Value> {
        self.next_id += 1;
        let request = json!({"jsonrpc": "2.0", "id": self.next_id, "method": method, "params": params});
        self.socket.send(Message::text(request.to_string())).unwrap();
        loop {
            let mut message = self.receive();
            if message.get("id").and_then(Value::as_u64) == Some(self.next_id) {
                return match message.get_mut("error") {
                    Some(error) => Err(error.take()),
                    None => Ok(message["result"].take()),
                };
            }
            self.notifications.push_back(message);
        }
    }

    pub fn call(&mut self, method: &str, params: Value) -> Value {
        self.try_call(method, params).unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// The next notification of a subscription.
    pub fn next(&mut self, subscription: &Value) -> Value {
        let is_ours = |message: &Value| message["params"]["subscription"] == *subscription;
        if let Some(at) = self.notifications.iter().position(is_ours) {
            return self.notifications.remove(at).unwrap()["params"]["result"].take();
        }
        loop {
            let mut message = self.receive();
            if is_ours(&message) {
                return message["params"]["result"].take();
            }
            self.notifications.push_back(message);
        }
    }

    pub fn height(&mut self) -> u32 {
        number(&self.call("chain_getHeader", json!([])))
    }

    pub fn finalized_head(&mut self) -> Hash {
        hash(&self.call("chain_getFinalizedHead", json!([])))
    }

    pub fn block_hash(&mut self, height: u32) -> Option<Hash> {
        let found = self.call("chain_getBlockHash", json!([height]));
        (!found.is_null()).then(|| hash(&found))
    }

    /// A stored value, at a block or at the best one.
    pub fn storage<T: Decode>(&mut self, key: &[u8], at: Option<Hash>) -> Option<T> {
        let value = self.call("state_getStorage", json!([hex(key), at]));
        value.as_str().map(|value| T::decode_all(&mut &unhex(value)[..]).unwrap())
    }

    pub fn nonce(&mut self, account: &AccountId) -> Nonce {
        self.account(account).nonce
    }

    pub fn free(&mut self, account: &AccountId) -> Balance {
        self.account(account).data.free
    }

    fn account(
        &mut self,
        account: &AccountId,
    ) -> frame_system::AccountInfo<Nonce, pallet_balances::AccountData<Balance>> {
        self.storage(&frame_system::Account::<Runtime>::hashed_key_for(account), None).unwrap_or_default()
    }

    /// The clock of a block, in milliseconds since 1970.
    pub fn timestamp(&mut self, at: Hash) -> u64 {
        self.storage(&pallet_timestamp::Now::<Runtime>::hashed_key(), Some(at)).unwrap()
    }

    pub fn events(&mut self, at: Hash) -> Vec<EventRecord> {
        let key = frame_support::storage::storage_prefix(b"System", b"Events");
        self.storage(&key, Some(at)).unwrap()
    }

    /// Calls a runtime API.
    pub fn runtime<T: Decode>(&mut self, method: &str, args: &[u8]) -> T {
        let output = self.call("state_call", json!([method, hex(args)]));
        T::decode_all(&mut &unhex(output.as_str().unwrap())[..]).unwrap()
    }

    /// Sends a transaction and waits until its block is final; returns the block.
    pub fn submit(&mut self, extrinsic: &[u8]) -> Hash {
        let watch = self.call("author_submitAndWatchExtrinsic", json!([hex(extrinsic)]));
        loop {
            let status = self.next(&watch);
            if let Some(block) = status.get("finalized") {
                return hash(block);
            }
            let bad = ["usurped", "dropped", "invalid"];
            assert!(
                !bad.iter().any(|word| status == *word || status.get(word).is_some()),
                "the transaction ended as {status}"
            );
        }
    }
}

pub fn number(header: &Value) -> u32 {
    u32::from_str_radix(header["number"].as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
}

/// A hash as it stands in JSON.
pub fn hash(value: &Value) -> Hash {
    value.as_str().expect("a hash").parse().unwrap()
}

pub fn hex(bytes: &[u8]) -> String {
    sp_core::bytes::to_hex(bytes, false)
}

pub fn unhex(text: &str) -> Vec<u8> {
    sp_core::bytes::from_hex(text).unwrap()
}

/// The key of a development account such as `//Alice`.
pub fn key(uri: &str) -> sr25519::Pair {
    // Deriving one takes longer than making a block.
    static KEYS: Mutex<BTreeMap<String, sr25519::Pair>> = Mutex::new(BTreeMap::new());
    let mut keys = KEYS.lock().unwrap();
    keys.entry(uri.to_owned()).or_insert_with(|| sr25519::Pair::from_string(uri, None).unwrap()).clone()
}

pub fn account(uri: &str) -> AccountId {
    MultiSigner::from(key(uri).public()).into_account()
}

/// A transaction, signed and encoded.
pub fn signed(genesis: Hash, uri: &str, nonce: Nonce, call: impl Into<RuntimeCall>) -> Vec<u8> {
    let call = call.into();
    let extension = tx_extension(nonce, 0);
    let implicit = ((), VERSION.spec_version, VERSION.transaction_version, genesis, genesis, (), (), (), (), ());
    let payload = SignedPayload::from_raw(call.clone(), extension.clone(), implicit);
    let signature = payload.using_encoded(|bytes| key(uri).sign(bytes));
    UncheckedExtrinsic::from(generic::UncheckedExtrinsic::new_signed(
        call,
        account(uri).into(),
        MultiSignature::from(signature),
        extension,
    ))
    .encode()
}

/// A call that moves `amount` to `to`.
pub fn transfer(to: &str, amount: Balance) -> RuntimeCall {
    pallet_balances::Call::<Runtime>::transfer_keep_alive { dest: account(to).into(), value: amount }.into()
}
