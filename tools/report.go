package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
)

// reporter is a measurement: its exported fields are its JSON.
type reporter interface {
	Write(io.Writer) error // for people
	SVG() string
}

// reportFlags say where a measurement goes.
type reportFlags struct{ json, plot string }

func (f *reportFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.json, "json", "", "write the figures to this file as JSON, too; - prints JSON alone")
	cmd.Flags().StringVar(&f.plot, "plot", "", "draw them to this SVG file, too")
}

// check refuses what cannot be written: an hour's figures must not be lost to a typing error.
func (f *reportFlags) check() error {
	return errors.Join(checkFolder("json", f.json), checkFolder("plot", f.plot))
}

func checkFolder(flag, path string) error {
	if path == "" || path == "-" && flag == "json" {
		return nil
	}
	if about, err := os.Stat(filepath.Dir(path)); err != nil || !about.IsDir() {
		return fmt.Errorf("--%s %s: there is no folder %s to write it to", flag, path, filepath.Dir(path))
	}
	return nil
}

// finish writes the report wherever it was asked for. What came before an interruption is written, too.
func (f *reportFlags) finish(cmd *cobra.Command, report reporter, interrupted error) error {
	var err error
	if f.plot != "" {
		err = writeWhole(f.plot, 0o644, func(w io.Writer) error {
			_, err := io.WriteString(w, report.SVG())
			return err
		})
	}
	err = errors.Join(err, writeFigures(cmd, f.json, report))
	if interrupted != nil {
		return interrupted
	}
	return err
}

// now is when something was measured, as reports say it.
func now() string { return time.Now().UTC().Format("2006-01-02 15:04 MST") }

// writeFigures writes a measurement for people, and as JSON to the file that --json names; - is JSON alone.
func writeFigures(cmd *cobra.Command, path string, report interface{ Write(io.Writer) error }) error {
	text, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return err
	}
	write := func(w io.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	}
	switch path {
	case "-":
		return write(cmd.OutOrStdout())
	case "":
	default:
		err = writeWhole(path, 0o644, write)
	}
	return errors.Join(err, report.Write(cmd.OutOrStdout()))
}
