// The one function that a Go program takes from Windows' bcryptprimitives.dll, for a Wine that is too old to have that library (before 8.19).
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(void *into, ULONG bytes); // RtlGenRandom

__declspec(dllexport) BOOL WINAPI ProcessPrng(BYTE *into, SIZE_T bytes) { return SystemFunction036(into, (ULONG)bytes); }
