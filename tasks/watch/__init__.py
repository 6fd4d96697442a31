"""The schedule alarm: small changes of one camera that no single window shows, added up over weeks."""
