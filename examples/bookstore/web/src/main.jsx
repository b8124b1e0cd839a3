import { KindeProvider } from '@kinde-oss/kinde-auth-react';
import { createRoot } from 'react-dom/client';
import { Bookstore } from './Bookstore.jsx';
import './style.css';

// One build serves every tenant: what it has to know comes from where it comes from.
const settings = await fetch('/settings.json').then((res) => res.json()).catch(() => ({}));

createRoot(document.getElementById('root')).render(settings.domain
  ? (
    <KindeProvider
      domain={settings.domain}
      clientId={settings.client}
      audience={settings.audience}
      redirectUri={window.location.origin}
      logoutUri={window.location.origin}
    >
      <Bookstore settings={settings} />
    </KindeProvider>
  )
  : <p>No tenant is named in settings.json. Start the bookstore with -web, and reload.</p>);
