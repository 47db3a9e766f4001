// Command gennumplan writes the numbering plan table of internal/numplan from
// the metadata that github.com/nyaruka/phonenumbers carries (Google's
// libphonenumber). The metadata's regular expressions are expanded here, once,
// into plain digits, so that the library needs neither them nor that module.
//
//	go -C tools run ./gennumplan -o ../internal/numplan/table.go
//	go -C tools run ./gennumplan -o ../internal/numplan/table.go -check
package main

import (
	"bytes"
	"flag"
	"fmt"
	"log"
	"os"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("gennumplan: ")
	out := flag.String("o", "../internal/numplan/table.go", "the file to write")
	check := flag.Bool("check", false, "write nothing; exit 1 when the file is not what would be written")
	flag.Parse()
	if err := run(*out, *check); err != nil {
		log.Fatal(err)
	}
}

func run(out string, check bool) error {
	regions, codes, err := plans()
	if err != nil {
		return err
	}
	want, err := render(regions, codes)
	if err != nil {
		return err
	}
	if !check {
		return os.WriteFile(out, want, 0o644)
	}
	have, err := os.ReadFile(out)
	if err != nil {
		return err
	}
	if !bytes.Equal(have, want) {
		return fmt.Errorf("%s differs from what the metadata gives: run the generator again", out)
	}
	fmt.Printf("%s is current: %d regions, %d calling codes\n", out, len(regions), len(codes))
	return nil
}
