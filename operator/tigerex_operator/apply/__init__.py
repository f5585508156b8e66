"""From manifests to the cluster: what differs is applied, what is unwanted goes, status is told."""
