import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  plugins: [react()],
  server: {
    port: 5173,
    strictPort: true, // its origin is registered
    proxy: { '/settings.json': 'http://127.0.0.1:8081' }, // of the bookstore, with -web
  },
});
