package csvfile_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx/internal/csvfile"
)

func TestReadAllLeavesAFileAsItWasAndKeepsTheLimit(t *testing.T) {
	file := strings.NewReader("xabc")
	_, err := file.ReadByte()
	require.NoError(t, err)
	for range 2 {
		content, err := csvfile.ReadAll(file, 3)
		require.NoError(t, err)
		require.Equal(t, "abc", string(content))
	}
	_, err = csvfile.ReadAll(file, 2)
	require.ErrorIs(t, err, csvfile.ErrTooLarge)

	broken := errors.New("broken")
	_, err = csvfile.ReadAll(io.MultiReader(strings.NewReader("a"), failing{broken}), 3)
	require.Equal(t, broken, err)
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error)  { return 0, f.err }
func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestReaderGivesTheHeaderAndTheRowsThatAreNotEmpty(t *testing.T) {
	r, err := csvfile.NewReader([]byte("\ufeffname,'=x\r\n\r\n\"Ann\nLee\",'=1+1\r\n,\r\nBob\r\n"))
	require.NoError(t, err)
	header, err := r.Header()
	require.NoError(t, err)
	require.Equal(t, csvfile.Row{Line: 1, Cells: []string{"name", "'=x"}}, header)
	ann, err := r.Next()
	require.NoError(t, err)
	require.Equal(t, csvfile.Row{Line: 3, Cells: []string{"Ann\nLee", "=1+1"}}, ann)
	bob, err := r.Next()
	require.NoError(t, err)
	require.Equal(t, csvfile.Row{Line: 6, Cells: []string{"Bob"}}, bob, "how many cells there are is for the caller to check")
	_, err = r.Next()
	require.Equal(t, io.EOF, err)
}

func TestReaderRefusesWhatIsNotCSVAndSaysWhere(t *testing.T) {
	for name, c := range map[string]struct {
		content string
		line    int
		reason  string
	}{
		"not UTF-8":                {"a\nb\n\xff\n", 3, "not valid UTF-8"},
		"NUL":                      {"a\n\x00\n", 2, "holds the character NUL"},
		"not UTF-8 before NUL":     {"\xff\n\x00", 1, "not valid UTF-8"},
		"NUL before not UTF-8":     {"\x00\n\xff", 1, "holds the character NUL"},
		"UTF-16":                   {"a\n\xff\xfea\x00", 2, "not valid UTF-8"},
		"a quotation mark inside":  {"a\nb\"c\n", 2, "not a row of CSV: a quotation mark is out of place on line 2"},
		"a quotation mark open":    {"a\n\"b\nc\n", 2, "not a row of CSV: a quotation mark is out of place on line 3"},
		"something after a quoted": {"a\n\"b\" c\n", 2, "not a row of CSV: a quotation mark is out of place on line 2"},
	} {
		t.Run(name, func(t *testing.T) {
			bad, ok := errors.AsType[*csvfile.Error](readToEnd(c.content))
			require.True(t, ok)
			require.Equal(t, c.line, bad.Line)
			require.Equal(t, c.reason, bad.Reason)
		})
	}
	require.NoError(t, readToEnd(""), "an empty file has no rows")
}

// readToEnd reads all rows, and returns the error, unless it is the end.
func readToEnd(content string) error {
	r, err := csvfile.NewReader([]byte(content))
	for err == nil {
		_, err = r.Next()
	}
	if err == io.EOF {
		return nil
	}
	return err
}

func TestWriterEscapesQuotesAndEndsLinesWithCRLF(t *testing.T) {
	var out bytes.Buffer
	w := csvfile.NewWriter(&out)
	cells := []string{"Ann", "=1+1", "a,b", "c\"d"}
	require.NoError(t, w.Write(cells))
	require.NoError(t, w.Flush())
	require.Equal(t, "Ann,'=1+1,\"a,b\",\"c\"\"d\"\r\n", out.String())
	require.Equal(t, "=1+1", cells[1], "the caller's cells stay as they are")

	full := errors.New("full")
	w = csvfile.NewWriter(failing{full})
	require.NoError(t, w.Write(cells), "it is buffered")
	require.Equal(t, full, w.Flush())
}

func TestEscapeAndUnescape(t *testing.T) {
	for text, escaped := range map[string]string{
		"":              "",
		"Ann":           "Ann",
		"O'Neil":        "O'Neil",
		"'Ann":          "'Ann",
		"=1+1":          "'=1+1",
		"+16175550100":  "'+16175550100",
		"-1":            "'-1",
		"@SUM":          "'@SUM",
		"\t=1":          "'\t=1",
		"\uff1d1":       "'\uff1d1",
		" =1":           "' =1",
		"\"=1":          "'\"=1",
		"'=1":           "''=1",
		"a;=1;b":        "a;'=1;b",
		"a=1":           "a=1",
		"=a;'=b;c":      "'=a;''=b;c",
		"\u0430\u0431=": "\u0430\u0431=",
	} {
		require.Equal(t, escaped, csvfile.Escape(text), "%q", text)
		require.Equal(t, text, csvfile.Unescape(escaped), "%q", escaped)
	}
	require.Equal(t, "=1", csvfile.Unescape("=1"), "what nobody escaped stays as it is")
}

func FuzzEscape(f *testing.F) {
	for _, seed := range []string{"", "=1", "''=1;'", "a;\"=;'+", "\uff20x", "\xff;=", " ' ;@"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		escaped := csvfile.Escape(text)
		if back := csvfile.Unescape(escaped); back != text {
			t.Errorf("%q became %q and then %q", text, escaped, back)
		}
		for part := range strings.SplitSeq(escaped, ";") {
			if part != "" && strings.ContainsAny(part[:1], "=+-@\t\r\n") {
				t.Errorf("%q has the formula %q", escaped, part)
			}
		}
	})
}
