/* Counts the instructions that an emulated program executes: a plugin for QEMU's user emulation.
 *
 * The count is one 64-bit number in a file that both sides map into memory: the plugin adds to it,
 * the emulated program reads it before and after what it wants counted. A block of instructions
 * counts when it is entered. Threads of one program add without a lock, so the program must have
 * but one that works; processes it forks add to the same number.
 *
 * Argument: count=FILE, of at least 8 bytes.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The part of QEMU's plugin interface used here, version 1 (QEMU 4.2 to 8.1), declared from its
 * documentation: Debian packages no header. */
typedef uint64_t plugin_id;
struct qemu_plugin_tb; /* a block of instructions, translated once and executed often */
enum { ADD_U64 = 0 };
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id,
                                           void (*translated)(plugin_id, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *block, int operation,
                                              void *operand, uint64_t immediate);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
int qemu_plugin_version = 1;

static uint64_t *count;

static void translated(plugin_id id, struct qemu_plugin_tb *block)
{
    (void)id;
    qemu_plugin_register_vcpu_tb_exec_inline(block, ADD_U64, count, qemu_plugin_tb_n_insns(block));
}

int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
    static const char name[] = "count=";
    (void)info;
    if (argc != 1 || strncmp(argv[0], name, sizeof name - 1) != 0) {
        fprintf(stderr, "counter: expected the one argument count=FILE\n");
        return 1;
    }
    int file = open(argv[0] + sizeof name - 1, O_RDWR | O_CLOEXEC);
    if (file >= 0)
        count = mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (file < 0 || count == MAP_FAILED) {
        perror(argv[0]);
        return 1;
    }
    close(file);
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}
