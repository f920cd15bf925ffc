-- Keeps the GIN indexes of event_data free of long pending lists.
--
-- An insert appends to the list; one that finds it over gin_pending_list_limit merges it into the
-- index before it returns, which stalled some insert for 100 to 180 ms every few thousand rows. So the
-- writers raise that limit, and the service calls this function several times a second while events
-- arrive. Cleaning needs the rights of the index's owner, hence a function with them.
--
-- Locks: creating a function locks no table. Calling it takes ROW EXCLUSIVE on an index, like an
-- insert, and a lock on the list's first page that no insert waits for.

-- Merges the lists of the partitions that hold `days`; returns how many pages of them are gone. A
-- partition that is missing, detached or locked is left out: another pass is near.
CREATE FUNCTION audit_events_clean_pending_lists(days date[]) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET lock_timeout = '100ms'
AS $$
DECLARE
    index_id regclass;
    pages    bigint := 0;
BEGIN
    FOR index_id IN
        SELECT x.indexrelid
        FROM (SELECT DISTINCT 'audit_events_' || to_char(day, 'YYYY_MM') AS name
              FROM unnest(days) AS day) AS months
        JOIN pg_class c ON c.relname = months.name AND c.relkind = 'r'
        JOIN pg_inherits i ON i.inhrelid = c.oid AND NOT i.inhdetachpending
        JOIN pg_index x ON x.indrelid = c.oid AND x.indisvalid
        JOIN pg_class xc ON xc.oid = x.indexrelid
        JOIN pg_am am ON am.oid = xc.relam AND am.amname = 'gin'
        WHERE i.inhparent = 'audit_events'::regclass
        ORDER BY months.name
    LOOP
        BEGIN
            pages := pages + gin_clean_pending_list(index_id);
        EXCEPTION
            -- Locked, or dropped since it was found.
            WHEN lock_not_available OR undefined_table OR undefined_object THEN NULL;
        END;
    END LOOP;
    RETURN pages;
END
$$;

-- A function with its owner's rights must not look names up where its caller says.
DO $$
BEGIN
    EXECUTE format(
        'ALTER FUNCTION audit_events_clean_pending_lists(date[]) SET search_path = pg_catalog, %I, pg_temp',
        current_schema());
END
$$;

REVOKE ALL ON FUNCTION audit_events_clean_pending_lists(date[]) FROM PUBLIC;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'datastorage_app') THEN
        GRANT EXECUTE ON FUNCTION audit_events_clean_pending_lists(date[]) TO datastorage_app;
    END IF;
END
$$;
