-- What was posted and what was sold stay as they are: a correction is a new entry.

CREATE FUNCTION ledger_refuse() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: the ledger only grows, correct it with a new entry', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER ledger_entries_never_change
    BEFORE UPDATE OR DELETE OR TRUNCATE ON credits_ledgerentry
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();

-- A grant's terms are what was sold. (An update that does not name these columns does not pay for the check.)
CREATE TRIGGER grant_terms_never_change
    BEFORE UPDATE OF wallet_id, amount, paid_amount, paid_currency ON credits_creditgrant
    FOR EACH ROW
    WHEN ((OLD.wallet_id, OLD.amount, OLD.paid_amount, OLD.paid_currency)
          IS DISTINCT FROM (NEW.wallet_id, NEW.amount, NEW.paid_amount, NEW.paid_currency))
    EXECUTE FUNCTION ledger_refuse();
