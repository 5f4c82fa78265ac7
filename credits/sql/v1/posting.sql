-- The one door. Everything that changes a wallet's figures or its grants' comes through ledger_post, under the wallet's lock.
-- A leg is ROW(grant, kind, amount, held, freed, reverses): types.sql.

CREATE FUNCTION ledger_lock(p_wallet bigint) RETURNS credits_wallet
LANGUAGE plpgsql AS $$
DECLARE
    w credits_wallet;
BEGIN
    SELECT * INTO w FROM credits_wallet WHERE id = p_wallet FOR NO KEY UPDATE;
    RETURN w;
END $$;

-- The entries of one posting, in order: `ref`, `ref#2`, `ref#3`…
CREATE FUNCTION ledger_posting(p_reference text) RETURNS SETOF credits_ledgerentry
LANGUAGE plpgsql STABLE AS $$
DECLARE
    entry credits_ledgerentry;
    number integer := 1;
BEGIN
    LOOP
        SELECT * INTO entry FROM credits_ledgerentry
        WHERE reference = p_reference || CASE WHEN number = 1 THEN '' ELSE '#' || number END;
        EXIT WHEN NOT FOUND;
        RETURN NEXT entry;
        number := number + 1;
    END LOOP;
END $$;

-- Is a hold of this wallet past its deadline, but not yet swept?
CREATE FUNCTION ledger_is_overdue(p_wallet bigint, p_now timestamptz) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM credits_credithold WHERE wallet_id = p_wallet AND status = 'open' AND expires_at <= p_now
    );
END $$;

-- May a posting go on? Null: yes. Otherwise repeated (`amount` is what the first one moved, repayments aside), conflict,
-- or overdue.
CREATE FUNCTION ledger_stop(w credits_wallet, p_reference text, p_fingerprint text, p_now timestamptz)
RETURNS ledger_result
LANGUAGE plpgsql STABLE AS $$
DECLARE
    first credits_ledgerentry;
    result ledger_result;
BEGIN
    SELECT * INTO first FROM credits_ledgerentry WHERE reference = p_reference;
    IF NOT FOUND AND (w.held = 0 OR NOT ledger_is_overdue(w.id, p_now)) THEN
        RETURN NULL;
    END IF;
    result.wallet_id := w.id;
    IF first.id IS NULL THEN
        result.outcome := 'overdue';
    ELSIF first.wallet_id <> w.id OR first.fingerprint <> p_fingerprint THEN
        result.outcome := 'conflict';
    ELSE
        result.outcome := 'repeated';
        result.subject_id := first.grant_id;
        SELECT abs(sum(entry.amount)) INTO result.amount
        FROM ledger_posting(p_reference) entry WHERE entry.kind = first.kind;
    END IF;
    RETURN result;
END $$;

-- Write a posting: repay debt out of what becomes available, then move the grants, append an entry per leg that moves
-- anything, and keep the wallet's new figures. `w` is the wallet as it was locked.
CREATE FUNCTION ledger_post(
    w credits_wallet, p_legs ledger_leg[], p_reference text, p_fingerprint text, p_reason text, p_actor bigint,
    p_at timestamptz, p_now timestamptz
) RETURNS ledger_result
LANGUAGE plpgsql AS $$
DECLARE
    leg ledger_leg;
    repayments ledger_leg[] := '{}';
    owed numeric := w.debt;
    repaid numeric;
    freed numeric := 0;
    falls boolean := false;
    number integer := 0;
    result ledger_result;
BEGIN
    -- What becomes available repays debt first, out of the grant in which it became available.
    IF owed > 0 THEN
        FOREACH leg IN ARRAY p_legs LOOP
            IF leg.grant_id IS NULL THEN
                owed := owed - leg.amount;
            END IF;
        END LOOP;
        FOREACH leg IN ARRAY p_legs LOOP
            repaid := LEAST(owed, leg.freed);
            IF repaid > 0 THEN
                repayments := repayments || ROW(leg.grant_id, 'repayment', -repaid, 0, -repaid, NULL)::ledger_leg
                                         || ROW(NULL, 'repayment', repaid, 0, 0, NULL)::ledger_leg;
                owed := owed - repaid;
            END IF;
        END LOOP;
        p_legs := p_legs || repayments;
    END IF;

    FOREACH leg IN ARRAY p_legs LOOP
        IF leg.grant_id IS NULL THEN
            w.debt := w.debt - leg.amount;
        ELSE
            UPDATE credits_creditgrant SET remaining = remaining + leg.amount, held = held + leg.held
            WHERE id = leg.grant_id;
            w.held := w.held + leg.held;
            freed := freed + leg.freed;
        END IF;
        falls := falls OR leg.amount < 0 OR leg.held > 0;
        CONTINUE WHEN leg.amount = 0;
        number := number + 1;
        w.last_sequence := w.last_sequence + 1;
        w.balance := w.balance + leg.amount;
        IF leg.kind IN ('spend', 'capture', 'restore') THEN
            w.consumed := w.consumed - leg.amount;
        END IF;
        INSERT INTO credits_ledgerentry (
            wallet_id, sequence, grant_id, kind, amount, balance_after, consumed_after, reference, fingerprint,
            reverses_id, reason, actor_id, event_at, created_at
        ) VALUES (
            w.id, w.last_sequence, leg.grant_id, leg.kind, leg.amount, w.balance, w.consumed,
            p_reference || CASE WHEN number = 1 THEN '' ELSE '#' || number END,
            p_fingerprint, leg.reverses, p_reason, p_actor, p_at, p_now
        );
    END LOOP;

    UPDATE credits_wallet
    SET balance = w.balance, held = w.held, debt = w.debt, consumed = w.consumed, last_sequence = w.last_sequence
    WHERE id = w.id;

    result.outcome := 'posted';
    result.wallet_id := w.id;
    result.debt := w.debt;
    result.freed := freed > 0 AND w.debt = 0;
    result.low := falls AND COALESCE(w.balance - w.held <= w.watch_at, false);
    RETURN result;
END $$;
