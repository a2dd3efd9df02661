-- Hashes, addresses and nodes are text as the API shows them. `record` is the
-- record's JSON as the API serves it; the other columns only find it. `place`
-- counts from 0 in the order of the chain's own lists.

CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);

-- Blocks in which something happened, and the one that was read last.
CREATE TABLE blocks (number BIGINT PRIMARY KEY, hash TEXT NOT NULL, time BIGINT NOT NULL);

CREATE TABLE datasets (
    id TEXT PRIMARY KEY, place BIGINT NOT NULL UNIQUE, owner TEXT NOT NULL, record TEXT NOT NULL);
CREATE INDEX datasets_owner ON datasets (owner, place);

CREATE TABLE models (
    id TEXT PRIMARY KEY, place BIGINT NOT NULL UNIQUE, owner TEXT, operator TEXT NOT NULL, record TEXT NOT NULL);
CREATE INDEX models_owner ON models (owner, place);
CREATE INDEX models_operator ON models (operator, place);

CREATE TABLE jobs (
    id BIGINT PRIMARY KEY, client TEXT NOT NULL, operator TEXT, state TEXT NOT NULL, record TEXT NOT NULL);
CREATE INDEX jobs_client ON jobs (client, id);
CREATE INDEX jobs_operator ON jobs (operator, id);
CREATE INDEX jobs_state ON jobs (state, id);

CREATE TABLE standings (
    role TEXT NOT NULL, account TEXT NOT NULL, place BIGINT NOT NULL, record TEXT NOT NULL,
    PRIMARY KEY (role, account), UNIQUE (role, place));

CREATE TABLE grants (
    dataset TEXT NOT NULL, account TEXT NOT NULL, place BIGINT NOT NULL, record TEXT NOT NULL,
    PRIMARY KEY (dataset, account), UNIQUE (dataset, place));
CREATE INDEX grants_account ON grants (account, dataset);

CREATE TABLE statements (
    node TEXT NOT NULL, number BIGINT NOT NULL, author TEXT NOT NULL, block BIGINT NOT NULL, record TEXT NOT NULL,
    PRIMARY KEY (node, number));
CREATE INDEX statements_author ON statements (author, block, node, number);

CREATE TABLE payments (
    job BIGINT NOT NULL, number BIGINT NOT NULL, account TEXT NOT NULL, record TEXT NOT NULL,
    PRIMARY KEY (job, number));
CREATE INDEX payments_account ON payments (account, job, number);

CREATE TABLE edges (
    made TEXT NOT NULL, source TEXT NOT NULL, made_place BIGINT NOT NULL, source_place BIGINT NOT NULL,
    PRIMARY KEY (made, made_place), UNIQUE (source, source_place));

CREATE TABLE owner_changes (
    node TEXT NOT NULL, block BIGINT NOT NULL, position BIGINT NOT NULL, record TEXT NOT NULL,
    PRIMARY KEY (node, block, position));

CREATE TABLE events (
    block BIGINT NOT NULL, position BIGINT NOT NULL, record TEXT NOT NULL, PRIMARY KEY (block, position));

-- Which nodes (`model:0x…`) and accounts (`account:0x…`) an event is about.
CREATE TABLE event_subjects (
    subject TEXT NOT NULL, block BIGINT NOT NULL, position BIGINT NOT NULL, PRIMARY KEY (subject, block, position));

-- Names in lower case, to be searched newest first.
CREATE TABLE names (
    kind TEXT NOT NULL, id TEXT NOT NULL, block BIGINT NOT NULL, folded TEXT NOT NULL, PRIMARY KEY (kind, id));
CREATE INDEX names_newest ON names (block, kind, id, folded);
