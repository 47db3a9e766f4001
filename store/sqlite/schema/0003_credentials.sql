-- A SIP address may have credentials: since when, and HA1, the hashes of user name,
-- realm and password by SHA-256 and, for old phones, by MD5. They are as good as the
-- password: sealed (28 bytes longer) unless the embedding program does without.
-- Only active users have credentials, and their aliases.
ALTER TABLE sip_identities ADD COLUMN issued_at INTEGER;
ALTER TABLE sip_identities ADD COLUMN ha1_sealed INTEGER NOT NULL DEFAULT 0 CHECK (ha1_sealed IN (0, 1));
ALTER TABLE sip_identities ADD COLUMN ha1_sha256 BLOB;
ALTER TABLE sip_identities ADD COLUMN ha1_md5 BLOB
    CONSTRAINT sip_identities_credentials CHECK (
        CASE WHEN issued_at IS NULL THEN ha1_sha256 IS NULL AND ha1_md5 IS NULL AND ha1_sealed = 0
             ELSE ha1_sha256 IS NOT NULL AND length(ha1_sha256) = 32 + 28 * ha1_sealed
                  AND (ha1_md5 IS NULL OR length(ha1_md5) = 16 + 28 * ha1_sealed) END);
