package card

import (
	"bytes"
	"fmt"
	"time"

	"github.com/pelletier/go-toml/v2"
)

// encodeTOML writes a table. Its nulls are dropped.
func encodeTOML(v map[string]any) ([]byte, error) {
	var b bytes.Buffer
	if err := toml.NewEncoder(&b).Encode(withoutNulls(v)); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// decodeTOML reads a table. Dates and times are texts in it.
func decodeTOML(data []byte) (map[string]any, error) {
	var v map[string]any
	if err := toml.Unmarshal(data, &v); err != nil {
		return nil, err
	}
	if v == nil {
		v = map[string]any{}
	}
	return plain(v).(map[string]any), nil
}

// plain replaces what a TOML file can hold and JSON cannot.
func plain(v any) any {
	switch x := v.(type) {
	case []any:
		for i := range x {
			x[i] = plain(x[i])
		}
	case map[string]any:
		for k := range x {
			x[k] = plain(x[k])
		}
	case time.Time:
		return x.Format(time.RFC3339Nano)
	case fmt.Stringer: // a date or time without a zone
		return x.String()
	}
	return v
}
