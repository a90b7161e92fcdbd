// Package engine is one session: a VM that runs a strategy, driven step by step.
//
// A [Session] runs until the script asks the model something, ends, or fails. Whatever the
// script cannot know by itself it asks for through one door, a request out of the VM, and each
// request is of one class:
//
//	pure    answered from the arguments alone, not recorded
//	read    answered from the world, recorded
//	effect  a change of the world, committed in one transaction with its record
//	ask     queries for the model: recorded, and the session pauses
//
// What an effect changes outside the journal, such as a card's file, is decided in that
// transaction and carried out after it, again if need be (see package card).
//
// Everything recorded becomes an event of the journal. [Restore] runs the recorded code again
// and feeds it the recorded values; a request that does not match its record is a
// [*DivergedError], and where the record ends the session goes on live. So a session can be
// dropped from memory at any moment and loses nothing that was shown to anybody.
//
// The package knows no process, socket or disk: it asks a [Host]. The Lua side lives in lib/.
// A Session is for one goroutine at a time; different sessions are independent.
package engine
