// Package pkgtest runs the spec files of strategy packages: Lua files that declare tests with
// lust.describe, lust.it and lust.expect.
//
// [Run] takes a [Plan] and returns a [Report]. Each spec file runs in a VM of its own, with all of
// alc.* over state and cards that begin empty and end with the file. Nothing of a home, a journal or
// a worker is involved. What would ask a model is stubbed: a spec that calls alc.llm without giving
// an answer (with_alc, alc_mock, alc.spy) fails with a text that begins "mock required".
//
// Specs are as confined as strategies. They read below the directories of the plan and write to a
// temporary directory, and their clock, random numbers and memory addresses are the same on each
// run, so that a spec that passes once passes again. The limits of sessions hold for each file.
//
// The Lua side lives in lua/. Start with [Plan] and [Run]; [Find] lists the spec files of a package.
package pkgtest
