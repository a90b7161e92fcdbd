package engine

import (
	"fmt"
	"strings"
	"time"
)

// strftime formats t as C's strftime does in the C locale, for the conversions that Lua 5.4's
// os.date accepts.
func strftime(format string, t time.Time) (string, error) {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			b.WriteByte(format[i])
			continue
		}
		i++
		if i < len(format) && (format[i] == 'E' || format[i] == 'O') {
			mod := format[i]
			i++
			if i == len(format) || !strings.ContainsRune(map[byte]string{'E': "cCxXyY", 'O': "deHImMSuUVwWy"}[mod], rune(format[i])) {
				return "", badConversion(format)
			}
		}
		if i == len(format) {
			return "", badConversion(format)
		}
		s, ok := conversion(format[i], t)
		if !ok {
			return "", badConversion(format)
		}
		b.WriteString(s)
	}
	return b.String(), nil
}

func badConversion(format string) error {
	return fmt.Errorf("bad argument #1 to 'date' (invalid conversion specifier in '%s')", format)
}

func conversion(c byte, t time.Time) (string, bool) {
	if layout, ok := map[byte]string{
		'a': "Mon", 'A': "Monday", 'b': "Jan", 'B': "January", 'h': "Jan", 'c': "Mon Jan _2 15:04:05 2006",
		'd': "02", 'D': "01/02/06", 'e': "_2", 'F': "2006-01-02", 'H': "15", 'I': "03", 'm': "01", 'M': "04",
		'p': "PM", 'r': "03:04:05 PM", 'R': "15:04", 'S': "05", 'T': "15:04:05", 'x': "01/02/06", 'X': "15:04:05",
		'y': "06", 'Y': "2006", 'z': "-0700", 'Z': "MST",
	}[c]; ok {
		return t.Format(layout), true
	}
	isoYear, isoWeek := t.ISOWeek()
	day, week := t.YearDay()-1, int(t.Weekday())
	switch c {
	case 'C':
		return fmt.Sprintf("%02d", t.Year()/100), true
	case 'g':
		return fmt.Sprintf("%02d", isoYear%100), true
	case 'G':
		return fmt.Sprint(isoYear), true
	case 'j':
		return fmt.Sprintf("%03d", t.YearDay()), true
	case 'n':
		return "\n", true
	case 's':
		return fmt.Sprint(t.Unix()), true
	case 't':
		return "\t", true
	case 'u':
		return fmt.Sprint((week+6)%7 + 1), true
	case 'U':
		return fmt.Sprintf("%02d", (day+7-week)/7), true
	case 'V':
		return fmt.Sprintf("%02d", isoWeek), true
	case 'w':
		return fmt.Sprint(week), true
	case 'W':
		return fmt.Sprintf("%02d", (day+7-(week+6)%7)/7), true
	case '%':
		return "%", true
	}
	return "", false
}
