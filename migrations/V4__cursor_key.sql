-- The key that signs the cursors of pages: one for all replicas, without anything to configure.
--
-- It is no secret that protects data: it keeps clients from making positions up and from carrying
-- them over to another question. Who may read the events may read it. Replacing it ends every walk
-- that is under way, once the servers are started anew.
CREATE TABLE cursor_key (
    id  smallint NOT NULL DEFAULT 1,
    key bytea    NOT NULL,
    CONSTRAINT cursor_key_pkey PRIMARY KEY (id),
    CONSTRAINT cursor_key_only_one CHECK (id = 1),
    CONSTRAINT cursor_key_length CHECK (octet_length(key) = 32)
);

COMMENT ON TABLE cursor_key IS 'The key that signs cursors; one row.';

-- Two ids carry 244 random bits, from the same source as any other key here could have.
INSERT INTO cursor_key (key)
    VALUES (sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())));

REVOKE ALL ON cursor_key FROM PUBLIC;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'datastorage_app') THEN
        GRANT SELECT ON cursor_key TO datastorage_app;
    END IF;
END
$$;
