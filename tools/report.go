package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

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
	for _, file := range []struct{ flag, path string }{{"json", f.json}, {"plot", f.plot}} {
		if file.path == "" || file.path == "-" && file.flag == "json" {
			continue
		}
		if about, err := os.Stat(filepath.Dir(file.path)); err != nil || !about.IsDir() {
			return fmt.Errorf("--%s %s: there is no folder %s to write it to", file.flag, file.path, filepath.Dir(file.path))
		}
	}
	return nil
}

// finish writes the report wherever it was asked for. What came before an interruption is written, too.
func (f *reportFlags) finish(cmd *cobra.Command, report reporter, interrupted error) error {
	text, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return err
	}
	if f.json != "" && f.json != "-" {
		err = writeWhole(f.json, func(w io.Writer) error {
			_, err := w.Write(append(text, '\n'))
			return err
		})
	}
	if f.plot != "" {
		err = errors.Join(err, writeWhole(f.plot, func(w io.Writer) error {
			_, err := io.WriteString(w, report.SVG())
			return err
		}))
	}
	if f.json == "-" {
		_, failed := fmt.Fprintln(cmd.OutOrStdout(), string(text))
		err = errors.Join(err, failed)
	} else {
		err = errors.Join(err, report.Write(cmd.OutOrStdout()))
	}
	if interrupted != nil {
		return interrupted
	}
	return err
}

// writeFigures writes a bench's report for people, and as JSON to the file that --json names; - is JSON alone.
func writeFigures(cmd *cobra.Command, path string, report interface{ Write(io.Writer) error }) error {
	if path != "" {
		text, err := json.MarshalIndent(report, "", "  ")
		if err != nil {
			return err
		}
		text = append(text, '\n')
		if path == "-" {
			_, err = cmd.OutOrStdout().Write(text)
			return err
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return fmt.Errorf("--json: %w", err)
		}
	}
	return report.Write(cmd.OutOrStdout())
}
