-- Spending, one at a time or many, and giving back.

CREATE FUNCTION ledger_spend_locked(
    w credits_wallet, p_amount numeric, p_reference text, p_partial boolean, p_reason text, p_at timestamptz,
    p_now timestamptz
) RETURNS ledger_result
LANGUAGE plpgsql AS $$
DECLARE
    asked text := 'spend ' || p_amount;
    result ledger_result;
    drawing ledger_drawing;
BEGIN
    result := ledger_stop(w, p_reference, asked, p_now);
    IF result.outcome IS NOT NULL THEN
        RETURN result;
    END IF;
    drawing := ledger_draw(w.id, p_amount, p_at, 'spend');
    IF NOT p_partial AND (w.debt > 0 OR drawing.total < p_amount) THEN
        result.outcome := CASE WHEN w.debt > 0 THEN 'debt' ELSE 'insufficient' END;
        result.wallet_id := w.id;
        result.available := drawing.total;
        result.debt := w.debt;
        RETURN result;
    END IF;
    IF w.debt > 0 OR drawing.total = 0 THEN
        result.outcome := 'posted';
        result.wallet_id := w.id;
        result.amount := 0;
        result.debt := w.debt;
        result.freed := false;
        result.low := false;
        RETURN result;
    END IF;
    result := ledger_post(w, drawing.legs, p_reference, asked, p_reason, NULL, p_at, p_now);
    result.amount := drawing.total;
    RETURN result;
END $$;

CREATE FUNCTION ledger_spend(
    p_organization bigint, p_unit text, p_amount numeric, p_reference text, p_partial boolean, p_reason text,
    p_at timestamptz, p_now timestamptz
) RETURNS ledger_result
LANGUAGE plpgsql AS $$
DECLARE
    w credits_wallet;
    result ledger_result;
BEGIN
    SELECT * INTO w FROM credits_wallet
    WHERE organization_id = p_organization AND unit_id = p_unit FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        result.outcome := 'missing';
        RETURN result;
    END IF;
    RETURN ledger_spend_locked(w, p_amount, p_reference, p_partial, p_reason, p_at, p_now);
END $$;

-- Pay for work that has been done, though nothing was set aside for it: what there is is taken, the rest is debt.
CREATE FUNCTION ledger_draw_or_owe(p_wallet bigint, p_amount numeric, p_reference text, p_now timestamptz)
RETURNS ledger_result
LANGUAGE plpgsql AS $$
DECLARE
    asked text := 'draw_or_owe ' || p_amount;
    w credits_wallet := ledger_lock(p_wallet);
    drawing ledger_drawing;
    legs ledger_leg[];
    missing numeric;
    result ledger_result := ledger_stop(w, p_reference, asked, p_now);
BEGIN
    IF result.outcome IS NOT NULL THEN
        SELECT -sum(entry.amount) INTO result.debt
        FROM ledger_posting(p_reference) entry WHERE entry.kind = 'spend' AND entry.grant_id IS NULL;
        RETURN result;
    END IF;
    drawing := ledger_draw(w.id, p_amount, p_now, 'spend');
    legs := drawing.legs;
    missing := p_amount - drawing.total;
    IF missing > 0 THEN
        legs := legs || ROW(NULL, 'spend', -missing, 0, 0, NULL)::ledger_leg;
    END IF;
    result := ledger_post(w, legs, p_reference, asked, '', NULL, p_now, p_now);
    result.amount := p_amount;
    result.debt := missing;
    RETURN result;
END $$;

-- Many partial spends in one round trip. All wallets are locked first, in id order; the spends of one wallet keep their
-- order. `place` is the debit's place among those asked, from 1; where there is no wallet, the outcome is missing.
CREATE FUNCTION ledger_spend_batch(
    p_organizations bigint[], p_units text[], p_amounts numeric[], p_references text[], p_ats timestamptz[],
    p_reason text, p_now timestamptz
) RETURNS TABLE (place bigint, outcome text, wallet_id bigint, amount numeric, freed boolean, low boolean)
LANGUAGE plpgsql AS $$
DECLARE
    debit record;
    w credits_wallet;
    result ledger_result;
BEGIN
    PERFORM wallet.id FROM credits_wallet wallet
    WHERE (wallet.organization_id, wallet.unit_id) IN (SELECT * FROM unnest(p_organizations, p_units))
    ORDER BY wallet.id FOR NO KEY UPDATE;

    FOR debit IN
        SELECT asked.*, wallet.id AS wallet_id
        FROM unnest(p_organizations, p_units, p_amounts, p_references, p_ats)
             WITH ORDINALITY asked(organization_id, unit_id, amount, reference, at, place)
        LEFT JOIN credits_wallet wallet USING (organization_id, unit_id)
        ORDER BY wallet.id, asked.place
    LOOP
        result := NULL;
        result.outcome := 'missing';
        IF debit.wallet_id IS NOT NULL THEN
            SELECT * INTO w FROM credits_wallet wallet WHERE wallet.id = debit.wallet_id;
            result := ledger_spend_locked(w, debit.amount, debit.reference, true, p_reason, debit.at, p_now);
        END IF;
        place := debit.place;
        outcome := result.outcome;
        wallet_id := result.wallet_id;
        amount := result.amount;
        freed := result.freed;
        low := result.low;
        RETURN NEXT;
    END LOOP;
END $$;

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
