-- Which grants a draw takes from, in burn order: lower priority, then earliest expiry (never last), then free before paid,
-- then oldest. This is what decides, whenever credits are drawn. `credits/engine/burn_order.py` is the same rule on values,
-- for what is shown and forecast, and the oracle of this one in tests.
-- `kind` hold reserves, any other takes. A leg is ROW(grant, kind, amount, held, freed, reverses): types.sql.

-- The walk follows the index grant_burn_order and stops when it has enough. A sort would read every grant of the wallet first,
-- so the planner must not prefer it where most wallets are small.
CREATE FUNCTION ledger_draw(p_wallet bigint, p_wanted numeric, p_at timestamptz, p_kind text) RETURNS ledger_drawing
LANGUAGE plpgsql STABLE SET enable_sort = off AS $$
DECLARE
    lot record;
    taken numeric;
    drawing ledger_drawing := ROW('{}', 0);
BEGIN
    FOR lot IN
        SELECT id, remaining - held AS free FROM credits_creditgrant
        WHERE wallet_id = p_wallet AND is_open
          AND frozen_at IS NULL AND (expires_at IS NULL OR expires_at > p_at) AND remaining > held
        ORDER BY priority, expires_at, is_paid, created_at, id
    LOOP
        taken := LEAST(lot.free, p_wanted - drawing.total);
        drawing.legs := drawing.legs || CASE WHEN p_kind = 'hold'
            THEN ROW(lot.id, p_kind, 0, taken, 0, NULL)::ledger_leg
            ELSE ROW(lot.id, p_kind, -taken, 0, 0, NULL)::ledger_leg END;
        drawing.total := drawing.total + taken;
        EXIT WHEN drawing.total >= p_wanted;
    END LOOP;
    RETURN drawing;
END $$;

-- Does a grant live at an instant? At its expiry it is gone; a frozen one's life stands still.
CREATE FUNCTION ledger_lives(lot credits_creditgrant, p_at timestamptz) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT (lot).expires_at IS NULL OR (lot).frozen_at IS NOT NULL OR (lot).expires_at > p_at
$$;
