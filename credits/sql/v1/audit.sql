-- Proof of every wallet, in one statement and so on one snapshot. No rows: all is well.

CREATE FUNCTION ledger_audit()
RETURNS TABLE (wallet_id bigint, rule text, subject text, expected numeric, found numeric)
LANGUAGE sql STABLE AS $$
    WITH posted AS (
        SELECT wallet_id,
               sum(amount) AS balance,
               -sum(amount) FILTER (WHERE grant_id IS NULL) AS debt,
               count(*) AS entries,
               sum(amount) FILTER (WHERE kind = 'grant') AS issued,
               -sum(amount) FILTER (WHERE kind IN ('spend', 'capture', 'restore')) AS consumed,
               -sum(amount) FILTER (WHERE kind = 'expire') AS expired,
               -sum(amount) FILTER (WHERE kind IN ('take_back', 'reinstate')) AS reversed,
               sum(amount) FILTER (WHERE kind = 'repayment') AS repayments,
               -sum(amount) FILTER (WHERE kind = 'capture') AS captured
        FROM credits_ledgerentry GROUP BY wallet_id
    ), lots AS (
        SELECT wallet_id, sum(amount) AS amount, sum(remaining) AS remaining, sum(held) AS held
        FROM credits_creditgrant GROUP BY wallet_id
    ), reserved AS (
        SELECT hold.wallet_id, sum(reservation.amount) AS amount
        FROM credits_credithold hold JOIN credits_holdreservation reservation ON reservation.hold_id = hold.id
        WHERE hold.status = 'open' GROUP BY hold.wallet_id
    ), ended AS (
        SELECT wallet_id, sum(captured) AS captured FROM credits_credithold GROUP BY wallet_id
    ), wallets AS (
        SELECT w.*, p.*, l.amount AS lots_amount, l.remaining AS lots_remaining, l.held AS lots_held,
               r.amount AS reserved, e.captured AS holds_captured
        FROM credits_wallet w
        LEFT JOIN posted p(
            of_wallet, posted_balance, posted_debt, entries, issued, entries_consumed, expired, reversed, repayments,
            captured
        ) ON p.of_wallet = w.id
        LEFT JOIN lots l ON l.wallet_id = w.id
        LEFT JOIN reserved r ON r.wallet_id = w.id
        LEFT JOIN ended e ON e.wallet_id = w.id
    ), chain AS (
        SELECT wallet_id, sequence, amount, balance_after,
               lag(sequence, 1, 0::bigint) OVER steps AS sequence_before,
               lag(balance_after, 1, 0::numeric) OVER steps AS balance_before,
               consumed_after - lag(consumed_after, 1, 0::numeric) OVER steps AS consumed,
               CASE WHEN kind IN ('spend', 'capture', 'restore') THEN -amount ELSE 0 END AS to_consume
        FROM credits_ledgerentry WINDOW steps AS (PARTITION BY wallet_id ORDER BY sequence)
    ), by_grant AS (
        SELECT grant_id, sum(amount) AS total, min(wallet_id) AS wallet_id, max(wallet_id) AS last_wallet_id
        FROM credits_ledgerentry WHERE grant_id IS NOT NULL GROUP BY grant_id
    ), held_of AS (
        SELECT reservation.grant_id, sum(reservation.amount) AS held
        FROM credits_credithold hold JOIN credits_holdreservation reservation ON reservation.hold_id = hold.id
        WHERE hold.status = 'open' GROUP BY reservation.grant_id
    ), reserved_by AS (
        SELECT hold.id, hold.wallet_id, hold.public_id, hold.amount, sum(reservation.amount) AS reserved
        FROM credits_credithold hold LEFT JOIN credits_holdreservation reservation ON reservation.hold_id = hold.id
        GROUP BY hold.id
    ), given_back AS (
        SELECT reverses_id, sum(amount) AS amount FROM credits_ledgerentry WHERE reverses_id IS NOT NULL GROUP BY 1
    ), checks(wallet_id, rule, subject, expected, found) AS (
        SELECT id, 'balance is the sum of the entries', '', COALESCE(posted_balance, 0), balance FROM wallets
        UNION ALL
        SELECT id, 'balance is what grants have remaining less debt', '', COALESCE(lots_remaining, 0) - debt, balance
        FROM wallets
        UNION ALL
        SELECT id, 'debt is the sum of its entries', '', COALESCE(posted_debt, 0), debt FROM wallets
        UNION ALL
        SELECT id, 'held is what open holds reserve', '', COALESCE(reserved, 0), held FROM wallets
        UNION ALL
        SELECT id, 'held is what is held of the grants', '', COALESCE(lots_held, 0), held FROM wallets
        UNION ALL
        SELECT id, 'the last sequence is the number of entries', '', COALESCE(entries, 0), last_sequence FROM wallets
        UNION ALL
        SELECT id, 'issued − consumed − expired − reversed is outstanding', '',
               COALESCE(issued, 0) - COALESCE(entries_consumed, 0) - COALESCE(expired, 0) - COALESCE(reversed, 0),
               COALESCE(lots_remaining, 0) - debt
        FROM wallets
        UNION ALL
        SELECT id, 'what was issued is what grants say', '', COALESCE(lots_amount, 0), COALESCE(issued, 0) FROM wallets
        UNION ALL
        SELECT id, 'repayments move debt and nothing else', '', 0, COALESCE(repayments, 0) FROM wallets
        UNION ALL
        SELECT id, 'holds captured what entries say', '', COALESCE(captured, 0), COALESCE(holds_captured, 0) FROM wallets
        UNION ALL
        SELECT id, 'consumed is the sum of what entries consumed', '', COALESCE(entries_consumed, 0), consumed FROM wallets
        UNION ALL
        SELECT wallet_id, 'the sequence has no gap', 'entry ' || sequence, sequence_before + 1, sequence FROM chain
        UNION ALL
        SELECT wallet_id, 'each balance follows from the one before', 'entry ' || sequence,
               balance_before + amount, balance_after
        FROM chain
        UNION ALL
        SELECT wallet_id, 'what was consumed follows from the entry before', 'entry ' || sequence, to_consume, consumed
        FROM chain
        UNION ALL
        SELECT lot.wallet_id, 'a grant''s entries add up to what remains', lot.public_id,
               COALESCE(by_grant.total, 0), lot.remaining
        FROM credits_creditgrant lot LEFT JOIN by_grant ON by_grant.grant_id = lot.id
        UNION ALL
        SELECT lot.wallet_id, 'a grant moves only in its own wallet', lot.public_id, lot.wallet_id, foreign_wallet
        FROM credits_creditgrant lot JOIN by_grant ON by_grant.grant_id = lot.id,
             LATERAL (VALUES (by_grant.wallet_id), (by_grant.last_wallet_id)) moved(foreign_wallet)
        UNION ALL
        SELECT lot.wallet_id, 'a grant holds what open holds reserve of it', lot.public_id,
               COALESCE(held_of.held, 0), lot.held
        FROM credits_creditgrant lot LEFT JOIN held_of ON held_of.grant_id = lot.id
        UNION ALL
        SELECT taken.wallet_id, 'no more is given back than was taken', 'entry ' || taken.sequence,
               LEAST(given_back.amount, -taken.amount), given_back.amount
        FROM given_back JOIN credits_ledgerentry taken ON taken.id = given_back.reverses_id
        UNION ALL
        SELECT wallet_id, 'a hold reserves its whole amount', public_id, amount, COALESCE(reserved, 0) FROM reserved_by
    )
    SELECT * FROM checks WHERE expected IS DISTINCT FROM found ORDER BY wallet_id, rule, subject
$$;
