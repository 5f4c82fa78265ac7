-- The values that the functions of the ledger pass to each other and to `credits/ledger.py`.

-- One movement inside a posting.
CREATE TYPE ledger_leg AS (
    grant_id bigint,    -- null: the debt; a negative amount is more debt
    kind text,
    amount numeric,     -- change of what the grant has remaining; zero writes no entry
    held numeric,       -- change of what is held of it
    freed numeric,      -- how much of the grant becomes available by this: it repays debt first
    reverses bigint     -- the entry that this gives back
);

-- What a draw takes from which grants. `total` is what there was, at most what was wanted.
CREATE TYPE ledger_drawing AS (legs ledger_leg[], total numeric);

-- What every function answers. `outcome`: posted, repeated (the first result again), conflict, insufficient, debt,
-- ended, overdue (a hold of this wallet is past its deadline: sweep, then ask again), ready, missing.
CREATE TYPE ledger_result AS (
    outcome text,
    wallet_id bigint,
    subject_id bigint,  -- the hold or grant it was about
    amount numeric,     -- taken, captured, restored…
    available numeric,
    debt numeric,
    freed boolean,      -- credits became available and no debt stands before them
    low boolean         -- the watched level was reached or passed
);
