-- How fast credits are used.

-- What a wallet consumed since an instant, without reading the entries in between: every entry carries the running total.
-- The entry at which the time begins is found by halving, since time grows with the sequence. `begun` is the first entry's.
CREATE FUNCTION ledger_consumed_since(
    p_wallet bigint, p_since timestamptz, OUT consumed numeric, OUT begun timestamptz
)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    before bigint := 0;
    after bigint;
    middle bigint;
    reached timestamptz;
BEGIN
    SELECT wallet.consumed, wallet.last_sequence + 1 INTO consumed, after FROM credits_wallet wallet WHERE id = p_wallet;
    WHILE after - before > 1 LOOP
        middle := (before + after) / 2;
        SELECT created_at INTO reached FROM credits_ledgerentry WHERE wallet_id = p_wallet AND sequence = middle;
        IF reached <= p_since THEN
            before := middle;
        ELSE
            after := middle;
        END IF;
    END LOOP;
    consumed := consumed - COALESCE(
        (SELECT consumed_after FROM credits_ledgerentry WHERE wallet_id = p_wallet AND sequence = before), 0
    );
    SELECT created_at INTO begun FROM credits_ledgerentry WHERE wallet_id = p_wallet AND sequence = 1;
END $$;
