package sqlite

import (
	"database/sql/driver"
	"fmt"

	"github.com/algocline/algocline/journal"
)

// stateTx is the state as one transaction sees it; t is nil when it only reads.
type stateTx struct {
	c *conn
	t *txn
}

var _ journal.Tx = (*stateTx)(nil)

func (x *stateTx) fail(doing string, err error) error {
	if x.t != nil {
		return x.t.broken(doing, err)
	}
	return wrapSQL(x.c.path, doing, err)
}

// StateGet implements [journal.Tx].
func (x *stateTx) StateGet(ns, key string) ([]byte, bool, error) {
	row, ok, err := x.c.one(qStateGet, ns, key)
	if err != nil || !ok {
		return nil, false, x.fail("reading state "+ns+"/"+key+" from", err)
	}
	d := decoder{row: row}
	val := d.text()
	if d.err != nil {
		return nil, false, x.fail("reading state "+ns+"/"+key+" from", d.err)
	}
	return []byte(val), true, nil
}

// StateSet implements [journal.Tx].
func (x *stateTx) StateSet(ns, key string, val []byte) error {
	if x.t == nil {
		return journal.ErrReadOnly
	}
	if len(val) > maxBody {
		return fmt.Errorf("state %s/%s: the value has %d bytes, more than %d", ns, key, len(val), maxBody)
	}
	_, _, err := x.c.exec(qStateSet, ns, key, string(val), x.t.now.UnixMicro())
	x.t.wrote = true
	x.t.bytes += int64(len(val))
	return x.fail("writing state "+ns+"/"+key+" to", err)
}

// StateDelete implements [journal.Tx].
func (x *stateTx) StateDelete(ns, key string) (bool, error) {
	if x.t == nil {
		return false, journal.ErrReadOnly
	}
	n, _, err := x.c.exec(qStateDelete, ns, key)
	x.t.wrote = true
	return n > 0, x.fail("deleting state "+ns+"/"+key+" from", err)
}

// StateKeys implements [journal.Tx].
func (x *stateTx) StateKeys(ns string) ([]string, error) {
	keys, err := x.texts(qStateKeys, ns)
	return keys, x.fail("listing state "+ns+" of", err)
}

// StateNamespaces implements [journal.Tx].
func (x *stateTx) StateNamespaces() ([]string, error) {
	names, err := x.texts(qStateNamespaces)
	return names, x.fail("listing the namespaces of state of", err)
}

// texts returns the one column of a query.
func (x *stateTx) texts(q query, args ...driver.Value) ([]string, error) {
	var out []string
	var bad error
	err := x.c.each(q, func(r []driver.Value) bool {
		d := decoder{row: r}
		out = append(out, d.text())
		bad = d.err
		return bad == nil
	}, args...)
	if err == nil {
		err = bad
	}
	return out, err
}
