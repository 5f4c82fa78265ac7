-- Giving back what a spend or a capture took. (ledger_restorable serves ledger_reinstate in grants.sql, too, which gives back
-- what was taken back.)
-- A leg is ROW(grant, kind, amount, held, freed, reverses): types.sql.

-- How much of what an entry took has not been given back yet.
CREATE FUNCTION ledger_restorable(entry credits_ledgerentry) RETURNS numeric
LANGUAGE sql STABLE AS $$
    SELECT -(entry).amount - COALESCE(sum(back.amount), 0)
    FROM credits_ledgerentry back WHERE back.reverses_id = (entry).id
$$;

-- Give back up to `p_amount` of what a spend or a capture took, last drawn first, into the same grants; what lapsed
-- meanwhile is gone at once. What had become debt lessens the debt; where that was repaid since, the grants that repaid
-- it get it back, last repayment first.
CREATE FUNCTION ledger_restore(
    p_original text, p_amount numeric, p_reference text, p_reason text, p_now timestamptz
) RETURNS ledger_result
LANGUAGE plpgsql AS $$
DECLARE
    asked text := 'restore ' || p_amount || ' of ' || p_original;
    w credits_wallet;
    entry credits_ledgerentry;
    repayment credits_ledgerentry;
    legs ledger_leg[] := '{}';
    wanted numeric := p_amount;
    owed numeric;
    part numeric;
    given numeric;
    result ledger_result;
BEGIN
    SELECT wallet.* INTO w FROM credits_ledgerentry first JOIN credits_wallet wallet ON wallet.id = first.wallet_id
    WHERE first.reference = p_original AND first.kind IN ('spend', 'capture') FOR NO KEY UPDATE OF wallet;
    IF NOT FOUND THEN
        result.outcome := 'missing';
        RETURN result;
    END IF;
    result := ledger_stop(w, p_reference, asked, p_now);
    IF result.outcome IS NOT NULL THEN
        RETURN result;
    END IF;
    owed := w.debt;
    FOR entry IN
        SELECT * FROM ledger_posting(p_original) WHERE kind IN ('spend', 'capture') ORDER BY sequence DESC
    LOOP
        part := LEAST(wanted, ledger_restorable(entry));
        CONTINUE WHEN part <= 0;
        wanted := wanted - part;
        IF entry.grant_id IS NOT NULL THEN
            legs := legs || ledger_give_back(entry.grant_id, part, entry.id, 'restore', p_now);
            CONTINUE;
        END IF;
        legs := legs || ROW(NULL, 'restore', part, 0, 0, entry.id)::ledger_leg;
        given := LEAST(part, owed);
        owed := owed - given;
        part := part - given;
        -- What is no longer owed was repaid since: those repayments are undone.
        FOR repayment IN
            SELECT * FROM credits_ledgerentry
            WHERE wallet_id = w.id AND kind = 'repayment' AND grant_id IS NOT NULL AND sequence > entry.sequence
            ORDER BY sequence DESC
        LOOP
            EXIT WHEN part <= 0;
            given := LEAST(part, ledger_restorable(repayment));
            CONTINUE WHEN given <= 0;
            legs := legs || ROW(NULL, 'repayment', -given, 0, 0, NULL)::ledger_leg
                         || ledger_give_back(repayment.grant_id, given, repayment.id, 'repayment', p_now);
            part := part - given;
        END LOOP;
    END LOOP;
    result := ledger_post(w, legs, p_reference, asked, p_reason, NULL, p_now, p_now);
    result.amount := p_amount - wanted;
    RETURN result;
END $$;

-- The legs that put so much back into a grant, and out again as expired when it has lapsed.
CREATE FUNCTION ledger_give_back(
    p_grant bigint, p_amount numeric, p_reverses bigint, p_kind text, p_now timestamptz
)
RETURNS ledger_leg[]
LANGUAGE plpgsql STABLE AS $$
DECLARE
    lot credits_creditgrant;
BEGIN
    SELECT * INTO lot FROM credits_creditgrant WHERE id = p_grant;
    IF ledger_lives(lot, p_now) THEN
        RETURN ARRAY[
            ROW(p_grant, p_kind, p_amount, 0, CASE WHEN lot.frozen_at IS NULL THEN p_amount ELSE 0 END, p_reverses)
        ]::ledger_leg[];
    END IF;
    RETURN ARRAY[
        ROW(p_grant, p_kind, p_amount, 0, 0, p_reverses), ROW(p_grant, 'expire', -p_amount, 0, 0, NULL)
    ]::ledger_leg[];
END $$;
