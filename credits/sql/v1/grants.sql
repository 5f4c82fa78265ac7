-- Grants: issued, taken back, reinstated, frozen, thawed, lapsed.
-- A leg is ROW(grant, kind, amount, held, freed, reverses): types.sql.

-- Lock a wallet and look a reference up, before a grant is written. `ready`: go on.
CREATE FUNCTION ledger_begin(p_wallet bigint, p_reference text, p_fingerprint text, p_now timestamptz)
RETURNS ledger_result
LANGUAGE plpgsql AS $$
DECLARE
    w credits_wallet := ledger_lock(p_wallet);
    result ledger_result := ledger_stop(w, p_reference, p_fingerprint, p_now);
BEGIN
    IF result.outcome IS NULL THEN
        result.outcome := 'ready';
        result.wallet_id := w.id;
    END IF;
    RETURN result;
END $$;

-- Post a grant that was just written with nothing remaining.
CREATE FUNCTION ledger_issue(
    p_grant bigint, p_reference text, p_fingerprint text, p_reason text, p_actor bigint, p_now timestamptz
) RETURNS ledger_result
LANGUAGE plpgsql AS $$
DECLARE
    lot credits_creditgrant;
    result ledger_result;
BEGIN
    SELECT * INTO lot FROM credits_creditgrant WHERE id = p_grant;
    result := ledger_post(
        ledger_lock(lot.wallet_id), ARRAY[ROW(p_grant, 'grant', lot.amount, 0, lot.amount, NULL)::ledger_leg],
        p_reference, p_fingerprint, p_reason, p_actor, lot.created_at, p_now
    );
    result.subject_id := p_grant;
    result.amount := lot.amount;
    RETURN result;
END $$;

-- Take `p_amount` out of a grant. What it no longer has free becomes debt, or is forgiven. `amount` is what left the
-- grant; `debt` what was owed for it.
CREATE FUNCTION ledger_take_back(
    p_grant bigint, p_amount numeric, p_owe boolean, p_reference text, p_reason text, p_actor bigint, p_now timestamptz
) RETURNS ledger_result
LANGUAGE plpgsql AS $$
DECLARE
    asked text := 'take_back ' || p_amount || ' of grant ' || p_grant || CASE WHEN p_owe THEN '' ELSE ', rest forgiven' END;
    w credits_wallet;
    lot credits_creditgrant;
    legs ledger_leg[] := '{}';
    taken numeric;
    missing numeric;
    result ledger_result;
BEGIN
    w := ledger_lock((SELECT wallet_id FROM credits_creditgrant WHERE id = p_grant));
    SELECT * INTO lot FROM credits_creditgrant WHERE id = p_grant;
    result := ledger_stop(w, p_reference, asked, p_now);
    IF result.outcome IS NOT NULL THEN
        RETURN result;
    END IF;
    taken := CASE WHEN ledger_lives(lot, p_now) THEN LEAST(p_amount, lot.remaining - lot.held) ELSE 0 END;
    missing := CASE WHEN p_owe THEN p_amount - taken ELSE 0 END;
    IF taken > 0 THEN
        legs := legs || ROW(p_grant, 'take_back', -taken, 0, 0, NULL)::ledger_leg;
    END IF;
    IF missing > 0 THEN
        legs := legs || ROW(NULL, 'take_back', -missing, 0, 0, NULL)::ledger_leg;
    END IF;
    result := ledger_post(w, legs, p_reference, asked, p_reason, p_actor, p_now, p_now);
    result.subject_id := p_grant;
    result.amount := taken;
    result.debt := missing;
    RETURN result;
END $$;

-- Undo a taking back: all of it returns to the grant (and repays debt from there), which lives at least until `p_until`.
CREATE FUNCTION ledger_reinstate(
    p_grant bigint, p_original text, p_until timestamptz, p_reference text, p_reason text, p_actor bigint,
    p_now timestamptz
) RETURNS ledger_result
LANGUAGE plpgsql AS $$
DECLARE
    asked text := 'reinstate ' || p_original || ' to grant ' || p_grant;
    w credits_wallet;
    lot credits_creditgrant;
    entry credits_ledgerentry;
    legs ledger_leg[] := '{}';
    part numeric;
    total numeric := 0;
    result ledger_result;
BEGIN
    w := ledger_lock((SELECT wallet_id FROM credits_creditgrant WHERE id = p_grant));
    SELECT * INTO lot FROM credits_creditgrant WHERE id = p_grant;
    result := ledger_stop(w, p_reference, asked, p_now);
    IF result.outcome IS NOT NULL THEN
        RETURN result;
    END IF;
    FOR entry IN
        SELECT * FROM ledger_posting(p_original) posted
        WHERE posted.wallet_id = w.id AND posted.kind = 'take_back' ORDER BY posted.sequence
    LOOP
        part := ledger_restorable(entry);
        CONTINUE WHEN part <= 0;
        total := total + part;
        legs := legs || ROW(
            p_grant, 'reinstate', part, 0, CASE WHEN lot.frozen_at IS NULL THEN part ELSE 0 END, entry.id
        )::ledger_leg;
    END LOOP;
    IF total = 0 THEN
        result.outcome := 'missing';
        RETURN result;
    END IF;
    UPDATE credits_creditgrant SET expires_at = GREATEST(expires_at, p_until) WHERE id = p_grant AND expires_at IS NOT NULL;
    result := ledger_post(w, legs, p_reference, asked, p_reason, p_actor, p_now, p_now);
    result.subject_id := p_grant;
    result.amount := total;
    RETURN result;
END $$;

-- Stop a live grant's clock: nothing of it can be spent until it is thawed.
CREATE FUNCTION ledger_freeze(p_grant bigint, p_now timestamptz) RETURNS ledger_result
LANGUAGE plpgsql AS $$
DECLARE
    w credits_wallet;
    lot credits_creditgrant;
    result ledger_result;
BEGIN
    w := ledger_lock((SELECT wallet_id FROM credits_creditgrant WHERE id = p_grant));
    SELECT * INTO lot FROM credits_creditgrant WHERE id = p_grant;
    result.wallet_id := w.id;
    result.subject_id := p_grant;
    result.outcome := 'repeated';
    IF lot.frozen_at IS NULL AND ledger_lives(lot, p_now) THEN
        UPDATE credits_creditgrant SET frozen_at = p_now WHERE id = p_grant;
        result.outcome := 'posted';
    END IF;
    RETURN result;
END $$;

-- Let a frozen grant live on, with exactly the life it had left; what it has free repays debt first.
CREATE FUNCTION ledger_thaw(p_grant bigint, p_now timestamptz) RETURNS ledger_result
LANGUAGE plpgsql AS $$
DECLARE
    w credits_wallet;
    lot credits_creditgrant;
    result ledger_result;
BEGIN
    w := ledger_lock((SELECT wallet_id FROM credits_creditgrant WHERE id = p_grant));
    SELECT * INTO lot FROM credits_creditgrant WHERE id = p_grant;
    result.wallet_id := w.id;
    result.subject_id := p_grant;
    IF lot.frozen_at IS NULL OR (w.held > 0 AND ledger_is_overdue(w.id, p_now)) THEN
        result.outcome := CASE WHEN lot.frozen_at IS NULL THEN 'repeated' ELSE 'overdue' END;
        RETURN result;
    END IF;
    UPDATE credits_creditgrant SET expires_at = expires_at + (p_now - frozen_at), frozen_at = NULL WHERE id = p_grant;
    result := ledger_post(
        w, ARRAY[ROW(p_grant, 'repayment', 0, 0, lot.remaining - lot.held, NULL)::ledger_leg],
        'thaw:' || lot.public_id || ':' || (w.last_sequence + 1), 'thaw', '', NULL, p_now, p_now
    );
    result.subject_id := p_grant;
    RETURN result;
END $$;

-- Post what lapsed in a wallet at or before `p_at`; what holds still reserve stays for them. `amount` is the sum.
CREATE FUNCTION ledger_expire(p_wallet bigint, p_at timestamptz, p_now timestamptz) RETURNS ledger_result
LANGUAGE plpgsql AS $$
DECLARE
    w credits_wallet := ledger_lock(p_wallet);
    lot credits_creditgrant;
    result ledger_result;
    total numeric := 0;
    low boolean := false;
BEGIN
    result.wallet_id := w.id;
    IF w.held > 0 AND ledger_is_overdue(w.id, p_now) THEN
        result.outcome := 'overdue';
        RETURN result;
    END IF;
    FOR lot IN
        SELECT * FROM credits_creditgrant
        WHERE wallet_id = p_wallet AND is_open AND frozen_at IS NULL AND expires_at <= p_at AND remaining > held
        ORDER BY expires_at, id
    LOOP
        result := ledger_post(
            w, ARRAY[ROW(lot.id, 'expire', lot.held - lot.remaining, 0, 0, NULL)::ledger_leg],
            'expire:' || lot.public_id || ':' || to_char(lot.expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
            'expire', '', NULL, lot.expires_at, p_now
        );
        total := total + lot.remaining - lot.held;
        low := low OR result.low;
        w := ledger_lock(p_wallet);
    END LOOP;
    result.outcome := 'posted';
    result.amount := total;
    result.low := low;
    result.freed := false;
    RETURN result;
END $$;
