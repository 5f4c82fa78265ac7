-- Holds: opened once, ended once. Everything happens under the wallet's lock, so capture, release and expiry cannot race.
-- A leg is ROW(grant, kind, amount, held, freed, reverses): types.sql.

CREATE FUNCTION ledger_open_hold(
    p_organization bigint, p_unit text, p_public_id text, p_amount numeric, p_reference text, p_expires_at timestamptz,
    p_now timestamptz
) RETURNS ledger_result
LANGUAGE plpgsql AS $$
DECLARE
    w credits_wallet;
    earlier credits_credithold;
    leg ledger_leg;
    drawing ledger_drawing;
    hold bigint;
    result ledger_result;
BEGIN
    SELECT * INTO w FROM credits_wallet
    WHERE organization_id = p_organization AND unit_id = p_unit FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        result.outcome := 'missing';
        RETURN result;
    END IF;
    result.wallet_id := w.id;
    SELECT * INTO earlier FROM credits_credithold WHERE organization_id = p_organization AND reference = p_reference;
    IF FOUND THEN
        result.outcome := CASE WHEN earlier.wallet_id = w.id AND earlier.amount = p_amount
                               THEN 'repeated' ELSE 'conflict' END;
        result.subject_id := earlier.id;
        RETURN result;
    END IF;
    IF w.held > 0 AND ledger_is_overdue(w.id, p_now) THEN
        result.outcome := 'overdue';
        RETURN result;
    END IF;
    drawing := ledger_draw(w.id, p_amount, p_now, 'hold');
    IF w.debt > 0 OR drawing.total < p_amount THEN
        result.outcome := CASE WHEN w.debt > 0 THEN 'debt' ELSE 'insufficient' END;
        result.available := drawing.total;
        result.debt := w.debt;
        RETURN result;
    END IF;

    INSERT INTO credits_credithold (
        public_id, organization_id, wallet_id, amount, status, captured, debt, reference, expires_at, created_at
    ) VALUES (p_public_id, p_organization, w.id, p_amount, 'open', 0, 0, p_reference, p_expires_at, p_now)
    RETURNING id INTO hold;
    FOREACH leg IN ARRAY drawing.legs LOOP
        INSERT INTO credits_holdreservation (hold_id, grant_id, amount) VALUES (hold, leg.grant_id, leg.held);
    END LOOP;
    result := ledger_post(w, drawing.legs, 'hold:' || p_public_id, '', '', NULL, p_now, p_now);
    result.subject_id := hold;
    result.amount := p_amount;
    RETURN result;
END $$;

-- End a hold as captured (with what the job cost), released or expired. An expiry counts from the deadline itself: what
-- the hold set free then was there from then on. Ending it again in the same way repeats the first result.
CREATE FUNCTION ledger_end_hold(p_hold bigint, p_status text, p_amount numeric, p_now timestamptz)
RETURNS ledger_result
LANGUAGE plpgsql AS $$
DECLARE
    w credits_wallet;
    hold credits_credithold;
    part record;
    legs ledger_leg[] := '{}';
    drawing ledger_drawing;
    cost numeric;
    unpaid numeric;
    taken numeric;
    rest numeric;
    effective timestamptz := p_now;
    ending text;
    result ledger_result;
BEGIN
    w := ledger_lock((SELECT wallet_id FROM credits_credithold WHERE id = p_hold));
    SELECT * INTO hold FROM credits_credithold WHERE id = p_hold;
    cost := COALESCE(p_amount, hold.amount);
    result.wallet_id := w.id;
    result.subject_id := p_hold;
    IF hold.status <> 'open' THEN
        result.outcome := CASE WHEN hold.status = p_status AND hold.captured = cost THEN 'repeated' ELSE 'ended' END;
        RETURN result;
    END IF;
    IF p_status = 'expired' THEN
        effective := hold.expires_at;
    ELSIF hold.expires_at <= p_now THEN
        result.outcome := 'ended';
        RETURN result;
    ELSIF w.held > 0 AND ledger_is_overdue(w.id, p_now) THEN
        result.outcome := 'overdue';
        RETURN result;
    END IF;

    unpaid := cost;
    FOR part IN
        SELECT reservation.grant_id, reservation.amount, lot.frozen_at, ledger_lives(lot, effective) AS lives
        FROM credits_holdreservation reservation JOIN credits_creditgrant lot ON lot.id = reservation.grant_id
        WHERE reservation.hold_id = p_hold ORDER BY reservation.id
    LOOP
        taken := LEAST(unpaid, part.amount);
        unpaid := unpaid - taken;
        rest := part.amount - taken;
        legs := legs || ROW(
            part.grant_id, 'capture', -taken, -part.amount,
            CASE WHEN part.lives AND part.frozen_at IS NULL THEN rest ELSE 0 END, NULL
        )::ledger_leg;
        IF rest > 0 AND NOT part.lives THEN
            legs := legs || ROW(part.grant_id, 'expire', -rest, 0, 0, NULL)::ledger_leg;
        END IF;
    END LOOP;
    IF unpaid > 0 THEN
        drawing := ledger_draw(w.id, unpaid, p_now, 'capture');
        legs := legs || drawing.legs;
        unpaid := unpaid - drawing.total;
        IF unpaid > 0 THEN
            legs := legs || ROW(NULL, 'capture', -unpaid, 0, 0, NULL)::ledger_leg;
        END IF;
    END IF;

    UPDATE credits_credithold SET status = p_status, captured = cost, debt = unpaid, ended_at = effective
    WHERE id = p_hold;
    ending := CASE p_status WHEN 'captured' THEN 'capture' WHEN 'released' THEN 'release' ELSE 'expire' END;
    result := ledger_post(
        w, legs, 'hold:' || hold.public_id || ':' || ending, ending || ' ' || cost, '', NULL, effective, p_now
    );
    result.subject_id := p_hold;
    result.amount := cost;
    result.debt := unpaid;
    RETURN result;
END $$;
