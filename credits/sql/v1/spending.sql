-- Spending, one at a time or many. Each draws by ledger_draw (burn_order.sql); every write is ledger_post (posting.sql);
-- the types are in types.sql, where a leg is ROW(grant, kind, amount, held, freed, reverses).

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
