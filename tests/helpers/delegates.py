"""Delegates for tests: shared libraries that LiteRT loads, built by the C compiler that is here.

A good one stands in for libedgetpu: it claims ``edgetpu-custom-op`` and answers with the mean of
each colour, as ``tiny_models.compiled`` has its outputs. The others go wrong where one may.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

# What of tensorflow/lite/core/c/common.h is needed, by its layout, which only grows at its ends.
SOURCE = r"""
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct { int size; int data[]; } IntArray;
typedef struct {
    int type;
    union { uint8_t *bytes; } data;
    IntArray *dims;
    struct { float scale; int32_t zero_point; } params;
    int allocation_type;
    size_t bytes;
    const void *allocation;
    const char *name;
    void *delegate;
    int buffer_handle;
    _Bool data_is_stale, is_variable;
    struct { int type; void *params; } quantization;
    void *sparsity;
    const IntArray *dims_signature;
} Tensor;
typedef struct { IntArray *inputs, *outputs; } Node;
typedef struct Context Context;
typedef struct {
    void *(*init)(Context *, const char *, size_t);
    void (*free)(Context *, void *);
    int (*prepare)(Context *, Node *);
    int (*invoke)(Context *, Node *);
    const char *(*profiling_string)(const Context *, const Node *);
    int32_t builtin_code;
    const char *custom_name;
    int version;
    void *registration_external;
    void *async_kernel;
    uint64_t inplace_operator;
} Registration;
typedef struct Delegate Delegate;
struct Context {
    size_t tensors_size;
    int (*GetExecutionPlan)(Context *, IntArray **);
    Tensor *tensors;
    void *impl;
    int (*ResizeTensor)(Context *, Tensor *, IntArray *);
    void (*ReportError)(Context *, const char *, ...);
    int (*AddTensors)(Context *, int, int *);
    int (*GetNodeAndRegistration)(Context *, int, Node **, Registration **);
    int (*ReplaceNodeSubsetsWithDelegateKernels)(
        Context *, Registration, const IntArray *, Delegate *);
};
struct Delegate {
    void *data;
    int (*Prepare)(Context *, Delegate *);
    void *copy_from, *copy_to, *free_handle;
    int64_t flags;
    void *opaque_builder;
};

static void die(void) { raise(SIGSEGV); }

static int ready(Context *context, Node *node) { return 0; }

static int run(Context *context, Node *node) {
    Tensor *picture = &context->tensors[node->inputs->data[0]];
    Tensor *scores = &context->tensors[node->outputs->data[0]];
    size_t sums[3] = {0, 0, 0}, count = picture->bytes / 3;
    if (!strcmp(BEHAVIOUR, "crashes when run")) die();
    for (size_t n = 0; n < picture->bytes; n++) sums[n % 3] += picture->data.bytes[n];
    for (int n = 0; n < 3; n++) scores->data.bytes[n] = (uint8_t)(sums[n] / count);
    return 0;
}

static int prepare(Context *context, Delegate *delegate) {
    IntArray *plan;
    if (context->GetExecutionPlan(context, &plan)) return 1;
    IntArray *mine = calloc(1, sizeof(int) * (1 + (size_t)plan->size));
    for (int n = 0; n < plan->size; n++) {
        Node *node;
        Registration *found;
        if (context->GetNodeAndRegistration(context, plan->data[n], &node, &found)) return 1;
        if (found->custom_name && !strcmp(found->custom_name, "edgetpu-custom-op"))
            mine->data[mine->size++] = plan->data[n];
    }
    Registration kernel = {0};
    kernel.prepare = ready;
    kernel.invoke = run;
    kernel.custom_name = "EdgeTpuDelegateForCustomOp";
    kernel.version = 1;
    int status = 0;
    if (mine->size)
        status = context->ReplaceNodeSubsetsWithDelegateKernels(context, kernel, mine, delegate);
    free(mine);
    return status;
}

const char *edgetpu_version(void) { return "BuildLabel(none), RuntimeVersion(13)"; }

Delegate *tflite_plugin_create_delegate(
        char **keys, char **values, int count, void (*report)(const char *)) {
    if (!strcmp(BEHAVIOUR, "crashes")) die();
    if (!strcmp(BEHAVIOUR, "refuses")) return 0;
    if (!strcmp(BEHAVIOUR, "says why")) {
        report("the chip is asleep");
        return 0;
    }
    Delegate *delegate = calloc(1, sizeof *delegate);
    delegate->Prepare = prepare;
    delegate->flags = 1; /* dynamic tensors: or LiteRT prepares the operator before */
    return delegate;
}

void tflite_plugin_destroy_delegate(Delegate *delegate) { free(delegate); }
"""
COMPILER = shutil.which("cc") or shutil.which("gcc")


def build(folder: Path, behaviour: str = "works", name: str = "libedgetpu.so.1") -> Path:
    """A delegate that does as ``behaviour`` says: works, crashes, refuses, ..."""
    assert COMPILER is not None
    source, library = folder / "delegate.c", folder / name
    source.write_text(SOURCE)
    subprocess.run(
        [
            COMPILER, "-shared", "-fPIC", "-O1", f'-DBEHAVIOUR="{behaviour}"', "-o", str(library),
            str(source),
        ],
        check=True,
    )  # fmt: skip
    return library
