/* The C side of package lua as Go sees it. */
#ifndef ALC_VM_H
#define ALC_VM_H

#include <stddef.h>
#include <stdint.h>

typedef struct vm vm;

/* What came of a call that ran the VM. */
enum {
	VM_REQUEST = 1,  /* values: what the script asks with */
	VM_RETURN,       /* values: what the program returned */
	VM_ERROR,        /* values: message, traceback */
	VM_STOPPED,      /* the sticky limit flag is set; see stop */
	VM_MALFORMED,    /* the arguments are no list of values; reason says why; nothing ran */
};

/* Why a VM must stop; the first reason stays. */
enum { STOP_NONE, STOP_MEMORY, STOP_CPU, STOP_NAMED, STOP_CROWDED };

typedef struct {
	int stop;
	const char *values;
	size_t nvalues;
	const char *notes;
	size_t nnotes;
	uint64_t digest;
	const char *reason;
} vm_event;

enum { VM_OK, VM_NO_SLOT, VM_NO_MEMORY, VM_CROWDED, VM_BAD_PROGRAM };

int vm_init(int signal, const uint64_t *powers);
int vm_new(vm **out, const char *code, size_t ncode, size_t memory, uint64_t cpu, const char **reason);
int vm_resume(vm *v, const char *args, size_t nargs, int raise, vm_event *ev);
void vm_set_limits(vm *v, size_t memory, uint64_t cpu);
size_t vm_held(vm *v);
void vm_set_budget(size_t bytes); /* of all VMs together; 0 is none */
size_t vm_all_held(void);
void vm_trim(vm *v);
void vm_strike(vm *v, int why);
int vm_watch(void);
void vm_close(vm *v);
int vm_signal(void);
void vm_fail_allocation(vm *v, long nth, long times);
long vm_allocations(vm *v);
int vm_compile(const char *name, const char *source, size_t nsource, size_t memory, char **code, size_t *ncode);
const char *vm_release(void);
int vm_seed_test(void);

#endif
