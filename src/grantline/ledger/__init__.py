"""The record: entries, ingest, tree, sequencer, signer, checkpoint, proof. Knows nothing of OAuth."""
