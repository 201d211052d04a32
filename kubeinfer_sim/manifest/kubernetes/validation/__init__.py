"""The API server's validation, part by part, on typed values with their defaults filled in.

Every function takes a value as `decode` returns it, its place, and collects errors. Rules and the places of
errors follow pkg/apis/core/validation/validation.go of Kubernetes 1.36; messages are our own.
"""
