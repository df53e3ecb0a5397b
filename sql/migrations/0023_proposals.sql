-- Proposals: two persons whose records share no key but look alike, with the model that says so and what became of it.

-- One row per model that proposals came from: what it learned, without a value of any row.
create table identity.link_model (
    model_version text primary key,  -- hash of settings
    settings jsonb not null,         -- Splink's, as trained
    labels jsonb not null,           -- {comparison: {level: words}}
    trained_at timestamptz not null,
    persons bigint not null,         -- golden records it looked at
    pairs bigint not null,           -- pairs it weighed
    shift double precision not null, -- calibration: log2 odds = shift + slope * the model's weight
    slope double precision not null,
    propose_from double precision not null, -- average weight in bits within what is proposed as one person
    accept_from double precision not null,  -- and within what is accepted without a person's look
    expected_precision double precision not null,
    expected_recall double precision not null
);

-- One row per pair of persons proposed, named by their oldest records, so that a decision outlives every rebuild.
create table identity.proposal (
    proposal_id bigint generated always as identity primary key,
    model_version text not null references identity.link_model,
    stream_a text not null,
    record_key_a text not null,
    stream_b text not null,
    record_key_b text not null,
    weight double precision not null,      -- log2 of the odds that the two are one, calibrated
    probability double precision not null check (probability between 0 and 1),
    contributions jsonb not null,          -- [{"comparison", "level", "label", "weight"}, ...]; never a value
    state text not null check (state in ('open', 'accepted', 'rejected', 'superseded')),
    proposed_at timestamptz not null,
    seen_at timestamptz not null,          -- by the newest run that found it
    decided_at timestamptz,
    decided_by text,                       -- a person, or the threshold of a model
    decided_why text,
    link_id bigint references identity.link,
    constraint decided_by_somebody check (
        (state in ('open', 'superseded') and num_nonnulls(decided_at, decided_by) = 0)
        or (state in ('accepted', 'rejected') and num_nonnulls(decided_at, decided_by) = 2)
    ),
    constraint a_rejection_says_why check (state <> 'rejected' or decided_why is not null),
    constraint accepted_is_a_link check (state <> 'accepted' or link_id is not null),
    constraint a_pair_in_byte_order
    check ((stream_a collate "C", record_key_a collate "C") < (stream_b collate "C", record_key_b collate "C")),
    constraint proposed_once unique (stream_a, record_key_a, stream_b, record_key_b)
);
create index on identity.proposal (weight desc) where state = 'open';
create index on identity.proposal (stream_b, record_key_b);

create unlogged table identity.work_proposal (  -- what one run found
    person_a uuid not null,
    person_b uuid not null,
    weight double precision not null,
    probability double precision not null,
    contributions jsonb not null,
    sure boolean not null
);
