package sqlite

// query names a prepared statement.
type query int

const (
	qBegin query = iota
	qBeginRead
	qCommit
	qRollback
	qSavepoint
	qRelease
	qRollbackTo
	qDataVersion
	qLastEvent
	qGetMeta
	qSetMeta
	qInsertEvent
	qInsertSession
	qUpdateSession
	qTakeSession
	qSessionBySID
	qSessionIs
	qEvent
	qEventHead
	qHasContent
	qInsertContent
	qContent
	qStateGet
	qStateSet
	qStateDelete
	qStateKeys
	qStateNamespaces
	qInsertWorker
	qWorker
	qListNewest
	qListFiltered
	qCount
	qSIDsFrom
	qSIDsBefore
	qSIDsAfter
	qFold
	qFoldAll
	qFoldedSoFar
	queryCount
)

const sessionColumns = `session.id, session.head, session.sid, session.seq, session.sum, session.epoch,
	session.owner, session.state, session.strategy, session.open, session.llm_calls, session.created, session.updated`

var queries = [queryCount]string{
	qBegin:       `BEGIN IMMEDIATE`,
	qBeginRead:   `BEGIN`,
	qCommit:      `COMMIT`,
	qRollback:    `ROLLBACK`,
	qSavepoint:   `SAVEPOINT batch`,
	qRelease:     `RELEASE batch`,
	qRollbackTo:  `ROLLBACK TO batch`,
	qDataVersion: `PRAGMA data_version`,
	qLastEvent:   `SELECT coalesce(max(id), 0) FROM event`,
	qGetMeta:     `SELECT value FROM meta WHERE key = ?`,
	qSetMeta:     `INSERT INTO meta(key, value) VALUES(?, ?) ON CONFLICT DO UPDATE SET value = excluded.value`,
	qInsertEvent: `INSERT INTO event(id, session, prev, seq, kind, at, path, sum, body) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)`,
	qInsertSession: `INSERT INTO session(sid, seq, head, sum, epoch, owner, state, strategy, open, llm_calls, created, updated)
		VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
	qUpdateSession: `UPDATE session SET seq = ?, head = ?, sum = ?, state = ?, strategy = ?, open = ?, llm_calls = ?, updated = ?
		WHERE id = ? AND head = ? AND epoch = ? AND owner = ?`,
	qTakeSession:   `UPDATE session SET epoch = epoch + 1, owner = ? WHERE id = ? AND epoch = ? AND owner = ?`,
	qSessionBySID:  `SELECT ` + sessionColumns + ` FROM session WHERE sid = ?`,
	qSessionIs:     `SELECT 1 FROM session WHERE id = ? AND head = ? AND epoch = ? AND owner = ?`,
	qEvent:         `SELECT session, prev, seq, kind, at, path, sum, body FROM event WHERE id = ?`,
	qEventHead:     `SELECT session, seq, sum FROM event WHERE id = ?`,
	qHasContent:    `SELECT 1 FROM content WHERE hash = ?`,
	qInsertContent: `INSERT INTO content(hash, body) VALUES(?, ?) ON CONFLICT DO NOTHING`,
	qContent:       `SELECT body FROM content WHERE hash = ?`,
	qStateGet:      `SELECT value FROM state WHERE ns = ? AND key = ?`,
	qStateSet: `INSERT INTO state(ns, key, value, updated) VALUES(?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET value = excluded.value, updated = excluded.updated`,
	qStateDelete: `DELETE FROM state WHERE ns = ? AND key = ?`,
	qStateKeys:   `SELECT key FROM state WHERE ns = ? ORDER BY key`,
	// One probe of the index a namespace: there may be a million keys in one.
	qStateNamespaces: `WITH RECURSIVE n(ns) AS (SELECT min(ns) FROM state UNION ALL
		SELECT (SELECT min(ns) FROM state WHERE ns > n.ns) FROM n WHERE n.ns IS NOT NULL)
		SELECT ns FROM n WHERE ns IS NOT NULL`,
	qInsertWorker: `INSERT INTO worker(lock_path, sock, pid, version, boot, started) VALUES(?, ?, ?, ?, ?, ?)`,
	qWorker:       `SELECT lock_path, sock, pid, version, boot, started FROM worker WHERE id = ?`,
	// The log backwards, heads only: the newest changes without an index that every append would pay for.
	qListNewest: `SELECT ` + sessionColumns + ` FROM event CROSS JOIN session ON session.id = event.session AND session.head = event.id
		WHERE event.id > ? ORDER BY event.id DESC LIMIT ?`,
	// The states are a JSON array; [] selects every state, owner 0 every owner.
	qListFiltered: `SELECT ` + sessionColumns + ` FROM session
		WHERE (?1 = '[]' OR state IN (SELECT value FROM json_each(?1))) AND (?2 = 0 OR owner = ?2)
		ORDER BY head DESC LIMIT ?3`,
	qCount:       `SELECT state, count(*) FROM session GROUP BY state`,
	qSIDsFrom:    `SELECT sid FROM session WHERE sid >= ? ORDER BY sid LIMIT ?`,
	qSIDsAfter:   `SELECT sid FROM session WHERE sid > ? ORDER BY sid LIMIT ?`,
	qSIDsBefore:  `SELECT sid FROM session WHERE sid < ? ORDER BY sid DESC LIMIT ?`,
	qFold:        `PRAGMA wal_checkpoint(PASSIVE)`,
	qFoldAll:     `PRAGMA wal_checkpoint(TRUNCATE)`,
	qFoldedSoFar: `PRAGMA wal_checkpoint(NOOP)`,
}
